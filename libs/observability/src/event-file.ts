import type { MetricsLine } from '@berth/contracts';
import { maskedCrc32c } from './crc32c.ts';

export interface EventFileOptions {
  /** When the writer began, for TensorBoard's relative times. */
  readonly startedAtMs: number;
  /** Set in the first file of an attempt: TensorBoard drops what earlier files of the folder say from this step on. */
  readonly fromStep?: number | undefined;
}

/** The first bytes of a TensorBoard event file. */
export function startOfEventFile({ startedAtMs, fromStep }: EventFileOptions): Buffer {
  const events = [eventOf(startedAtMs, 0, textField(3, 'brain.Event:2'))];
  // Event.session_log { status: START }.
  if (fromStep !== undefined)
    events.push(eventOf(startedAtMs, fromStep, bytesField(7, Buffer.from([0x08, 1]))));
  return Buffer.concat(events.map(recordOf));
}

/** The bytes that metrics lines add to an event file: their scalars. */
export function encodeEvents(lines: readonly MetricsLine[]): Buffer {
  const events = lines.map((line) =>
    eventOf(line.timeMs, line.step, bytesField(5, summaryOf(scalarsOf(line)))),
  );
  return Buffer.concat(events.map(recordOf));
}

/** TensorBoard finds event files by their names and reads those of a folder in the order of their names. */
export function eventFileName(startedAtMs: number, index: number): string {
  const seconds = String(Math.floor(startedAtMs / 1_000)).padStart(10, '0');
  return `events.out.tfevents.${seconds}.berth.${String(index).padStart(6, '0')}`;
}

/** The scalars of a metrics line, tagged `train/...` or `eval/...`. */
function scalarsOf(line: MetricsLine): Record<string, number> {
  const group = line.kind === 'step' ? 'train' : 'eval';
  const { kind: _kind, attempt: _attempt, step: _step, timeMs: _timeMs, ...values } = line;
  return Object.fromEntries(
    Object.entries(values)
      .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
      .map(([name, value]) => [`${group}/${name}`, value]),
  );
}

/** TFRecord framing: length, its checksum, data, its checksum; little-endian. */
function recordOf(data: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header.writeBigUInt64LE(BigInt(data.length));
  header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8);
  const footer = Buffer.alloc(4);
  footer.writeUInt32LE(maskedCrc32c(data));
  return Buffer.concat([header, data, footer]);
}

/** Event { double wall_time = 1; int64 step = 2; ... } with one more field. */
function eventOf(timeMs: number, step: number, content: Buffer): Buffer {
  const wallTime = Buffer.alloc(9);
  wallTime[0] = (1 << 3) | 1;
  wallTime.writeDoubleLE(timeMs / 1_000, 1);
  return Buffer.concat([wallTime, Buffer.from([2 << 3]), varint(step), content]);
}

/** Summary { repeated Value value = 1; } with Value { string tag = 1; float simple_value = 2; } */
function summaryOf(scalars: Readonly<Record<string, number>>): Buffer {
  const entries = Object.entries(scalars);
  const floats = Buffer.alloc(4 * entries.length);
  const parts: Buffer[] = [];
  for (const [index, [tag, value]] of entries.entries()) {
    const at = 4 * index;
    floats.writeFloatLE(value, at);
    parts.push(beforeFloat(tag), floats.subarray(at, at + 4));
  }
  return Buffer.concat(parts);
}

const beforeFloats = new Map<string, Buffer>();

/** The bytes of a value up to its float: the same for each line. */
function beforeFloat(tag: string): Buffer {
  const known = beforeFloats.get(tag);
  if (known !== undefined) return known;
  const tagField = textField(1, tag);
  const made = Buffer.concat([
    Buffer.from([(1 << 3) | 2]),
    varint(tagField.length + 5),
    tagField,
    Buffer.from([(2 << 3) | 5]),
  ]);
  beforeFloats.set(tag, made);
  return made;
}

function textField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(bytes.length), bytes]);
}

/** Base-128 varint of a non-negative integer below 2^53. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
