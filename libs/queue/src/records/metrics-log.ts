import { metricsLineSchema, readJson, type MetricsLine } from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { runKeys } from '../connection/keys.ts';
import { appendMetricsScript, keepMetricsScript } from './lua/metrics.ts';

/** A run's newest metrics, in the order they came. */
export interface MetricsLog {
  /** A line replaces an earlier one of the same kind and step, and goes to the end. */
  append(line: MetricsLine): Promise<void>;
  /** From now on, new lines do not replace those of this step and later ones: they belong to a branch. */
  keepAfter(step: number): Promise<void>;
  /** The newest lines, oldest first. */
  last(numLines: number): Promise<MetricsLine[]>;
  /**
   * Lines that came after a cursor, oldest first.
   * @param cursor - from an earlier answer; '' for the beginning
   */
  after(
    cursor: string,
    numLines: number,
  ): Promise<{ readonly lines: MetricsLine[]; readonly cursor: string }>;
}

/** @param options.capacity - lines kept. @defaultValue 20_000 */
export function createMetricsLog(
  connection: RedisConnection,
  runId: string,
  { capacity = 20_000 }: { readonly capacity?: number | undefined } = {},
): MetricsLog {
  const { metrics, metricsIndex } = runKeys(runId);
  return {
    async append(line) {
      await connection.run(
        appendMetricsScript,
        [metrics, metricsIndex],
        [`${line.kind}/${line.step}`, JSON.stringify(line), capacity],
      );
    },
    async keepAfter(step) {
      await connection.run(keepMetricsScript, [metricsIndex], [step]);
    },
    async last(numLines) {
      const items = await connection.call((client) =>
        client.xrevrange(metrics, '+', '-', 'COUNT', numLines),
      );
      return items.toReversed().flatMap(lineOf);
    },
    async after(cursor, numLines) {
      const start = cursor === '' ? '-' : `(${cursor}`;
      const items = await connection.call((client) =>
        client.xrange(metrics, start, '+', 'COUNT', numLines),
      );
      return { lines: items.flatMap(lineOf), cursor: items.at(-1)?.[0] ?? cursor };
    },
  };
}

/** The line of a stream item, which is its id, then field, value, ...; none when it cannot be read. */
function lineOf([, fields]: [string, string[]]): MetricsLine[] {
  const reading = readJson(metricsLineSchema, fields[3] ?? '');
  return reading.ok ? [reading.value] : [];
}
