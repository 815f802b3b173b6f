import { isDamage } from '@berth/checkpoint';
import {
  metricsLineSchema,
  readJson,
  type Logger,
  type MetricsLine,
  type ObjectStore,
} from '@berth/contracts';

/** The bytes of a segment: a JSON object a line, by step, an evaluation after the step it follows. */
export function encodeSegment(lines: readonly MetricsLine[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/**
 * The lines of a stored segment, as `encodeSegment` wrote them; those of a damaged one that can be read, and the log is told
 * how many cannot: what they say of steps can be had from the ledger.
 * @throws BerthError what the store throws when it cannot be asked
 */
export async function readSegment(
  store: ObjectStore,
  key: string,
  logger: Logger,
): Promise<MetricsLine[]> {
  const texts = await textsOf(store, key, logger);
  const lines = texts.flatMap((text): MetricsLine[] => {
    const reading = readJson(metricsLineSchema, text);
    return reading.ok ? [reading.value] : [];
  });
  const numUnreadable = texts.length - lines.length;
  if (numUnreadable > 0)
    logger.warn('Ignored lines of a metrics segment that cannot be read', { key, numUnreadable });
  return lines;
}

async function textsOf(store: ObjectStore, key: string, logger: Logger): Promise<string[]> {
  try {
    const text = Buffer.from(await store.get(key)).toString();
    return text.split('\n').filter((line) => line !== '');
  } catch (error) {
    if (!isDamage(error)) throw error;
    logger.warn('Ignored a metrics segment that cannot be read', { key, problem: error.message });
    return [];
  }
}
