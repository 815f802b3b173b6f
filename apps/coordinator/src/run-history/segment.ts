import { metricsLineSchema, readJson, type MetricsLine } from '@berth/contracts';

/** The bytes of a segment: a JSON object a line, by step, an evaluation after the step it follows. */
export function encodeSegment(lines: readonly MetricsLine[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** The lines of a segment that can be read: as `encodeSegment` wrote them, unless it is damaged. */
export function decodeSegment(bytes: Uint8Array): MetricsLine[] {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return lines.split('\n').flatMap((text) => {
    if (text === '') return [];
    const reading = readJson(metricsLineSchema, text);
    return reading.ok ? [reading.value] : [];
  });
}
