import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetricsLine } from '@berth/contracts';
import { maskedCrc32c } from './crc32c.ts';

/** A TensorBoard event file: scalars by tag and step. */
export interface EventFile {
  readonly path: string;
  scalars(step: number, timeMs: number, values: Readonly<Record<string, number>>): Promise<void>;
  close(): Promise<void>;
}

export interface EventFileOptions {
  /** First step of this attempt: TensorBoard drops what earlier files of the folder say from it on. */
  readonly fromStep: number;
  /** Part of the file's name, so that writers on several machines never meet. */
  readonly host: string;
  readonly nowMs: number;
}

/** Starts a new event file in a folder; one per attempt. */
export async function createEventFile(
  folder: string,
  { fromStep, host, nowMs }: EventFileOptions,
): Promise<EventFile> {
  await mkdir(folder, { recursive: true });
  const name = `events.out.tfevents.${Math.floor(nowMs / 1_000)}.${host}.${fromStep}.${nowMs % 1_000}`;
  const path = join(folder, name);
  const file = await open(path, 'ax');
  const versionEvent = eventOf(nowMs, 0, textField(3, 'brain.Event:2'));
  // Event.session_log { status: START }.
  const startEvent = eventOf(nowMs, fromStep, bytesField(7, Buffer.from([0x08, 1])));
  await file.appendFile(Buffer.concat([recordOf(versionEvent), recordOf(startEvent)]));
  let written: Promise<unknown> = Promise.resolve();
  return {
    path,
    scalars(step, timeMs, values) {
      const summary = Object.entries(values).map(([tag, value]) =>
        bytesField(1, scalarOf(tag, value)),
      );
      const record = recordOf(eventOf(timeMs, step, bytesField(5, Buffer.concat(summary))));
      const write = written.then(() => file.appendFile(record));
      written = write.catch(() => undefined);
      return write;
    },
    async close() {
      await written;
      await file.close();
    },
  };
}

/** The scalars of a metrics line, tagged `train/...` or `eval/...`. */
export function scalarsOf(line: MetricsLine): Record<string, number> {
  const group = line.kind === 'step' ? 'train' : 'eval';
  const { kind: _kind, step: _step, timeMs: _timeMs, ...values } = line;
  return Object.fromEntries(
    Object.entries(values)
      .filter((entry): entry is [string, number] => entry[1] !== undefined)
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

/** Summary.Value { string tag = 1; float simple_value = 2; } */
function scalarOf(tag: string, value: number): Buffer {
  const simple = Buffer.alloc(5);
  simple[0] = (2 << 3) | 5;
  simple.writeFloatLE(value, 1);
  return Buffer.concat([textField(1, tag), simple]);
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
