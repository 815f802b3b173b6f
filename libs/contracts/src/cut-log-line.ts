import type { LogLine } from './api/logs.ts';

/** Longest line that is kept, as UTF-8 JSON. */
export const maxLogLineBytes = 4_096;

// Stays below the limit even where every character takes its longest escape.
const maxMessageLength = 400;
const maxFieldsLength = 200;

/**
 * A line that fits: itself, or one whose message and fields are cut and say so. Its JSON is no longer than
 * `maxLogLineBytes` unless its names are.
 */
export function cutLogLine(line: LogLine): LogLine {
  const sizeBytes = Buffer.byteLength(JSON.stringify(line));
  if (sizeBytes <= maxLogLineBytes) return line;
  const message = cutText(line.message, 1_000);
  const fields = mapValues(line.fields, (value) =>
    typeof value === 'string' ? cutText(value, 500) : value,
  );
  const gently = { ...line, message, fields };
  if (Buffer.byteLength(JSON.stringify(gently)) <= maxLogLineBytes) return gently;
  return {
    ...line,
    message: cutText(line.message, maxMessageLength),
    fields: { cut: cutText(JSON.stringify(line.fields), maxFieldsLength) },
  };
}

/** A text of at most so many characters, and how many more there were. */
function cutText(text: string, length: number): string {
  return text.length <= length
    ? text
    : `${text.slice(0, length)}... (${text.length - length} more characters)`;
}

function mapValues<T>(
  record: Readonly<Record<string, T>>,
  change: (value: T) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
