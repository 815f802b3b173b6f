import { readNumberedLines } from './read-text.ts';
import type { Row } from './row.ts';

/**
 * The rows of a .jsonl file: an object a line; blank lines are passed over.
 * @param bytes - what is read instead of the file, once; then the path is a name for people
 */
export async function* readJsonlRows(
  path: string,
  bytes?: AsyncIterable<Uint8Array>,
): AsyncGenerator<Row> {
  for await (const [number, line] of readNumberedLines(path, bytes && { bytes })) {
    if (line.trim() === '') continue;
    const place = { path, at: `line ${number}` };
    const values = parseObject(line);
    yield typeof values === 'string'
      ? { place, values: {}, problem: `${values}; write one object a line, such as {"text": "…"}` }
      : { place, values };
  }
}

/** An object, or what is wrong with the line. */
function parseObject(line: string): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The engine's own message quotes the line, which may be a file that nobody should see here.
    return 'is not JSON';
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : 'is not a JSON object';
}
