/** A protocol buffer message as its bytes: fields one after the other, which is also how messages are merged. */
export type Message = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const wireTypes = { varint: 0, bytes: 2, fixed32: 5 } as const;

/** An int32, int64, bool or enum field. Negative numbers take ten bytes. */
export function intField(field: number, value: number | bigint): Message {
  return Uint8Array.from([...tag(field, wireTypes.varint), ...varint(value)]);
}

/** Several ints in one field. */
export function packedIntField(field: number, values: readonly number[]): Message {
  return bytesField(field, Uint8Array.from(values.flatMap((value) => varint(value))));
}

export function floatField(field: number, value: number): Message {
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  return Uint8Array.from([...tag(field, wireTypes.fixed32), ...bytes]);
}

export function stringField(field: number, value: string): Message {
  return bytesField(field, encoder.encode(value));
}

/** A bytes field, or a message inside a message. */
export function bytesField(field: number, value: Uint8Array): Message {
  const header = [...tag(field, wireTypes.bytes), ...varint(value.length)];
  return merge([Uint8Array.from(header), value]);
}

/** An entry of a `map<string, message>` field. */
export function mapEntry(field: number, key: string, value: Message): Message {
  return bytesField(field, merge([stringField(1, key), bytesField(2, value)]));
}

/** Fields, or messages, as one message. */
export function merge(parts: readonly Uint8Array[]): Message {
  const merged = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    merged.set(part, offset);
    offset += part.length;
  }
  return merged;
}

function tag(field: number, wireType: number): number[] {
  return varint(field * 8 + wireType);
}

function varint(value: number | bigint): number[] {
  // Most are small, and BigInt is slow.
  if (typeof value === 'number' && value >= 0 && value <= 0x7fffffff) return smallVarint(value);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

function smallVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}
