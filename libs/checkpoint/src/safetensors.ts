import { BerthError, isBerthError, toBerthError } from '@berth/contracts';

/** Element types of safetensors and their sizes. */
const elementBytes = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type SafetensorsType = keyof typeof elementBytes;

/** A named tensor, row-major. */
export interface SafeTensor {
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  /** Little-endian elements. Read tensors are views into the file's bytes. */
  readonly bytes: Uint8Array;
}

export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** By name. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
}

/** What a header may have besides a KiB for each tensor. */
const headerBytes = 2 ** 20;
const headerBytesPerTensor = 2 ** 10;
/** The file's object, a tensor's, and its list of sizes. */
const headerDepth = 3;
const lengthBytes = 8;
const metadataName = '__metadata__';

/** A tensor of a file by its place: `begin` and `end` count bytes behind the header. */
export interface TensorPlace extends Omit<SafeTensor, 'bytes'> {
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the data, which they tile. */
  readonly places: readonly TensorPlace[];
  /** Where in the file the data begins. */
  readonly dataStart: number;
}

/**
 * A safetensors file (huggingface/safetensors, README "Format"): tensors by falling element size, then name; header padded
 * to 8 bytes. `__metadata__` always has `format: pt`, without which older transformers refuse the file.
 */
export function encodeSafetensors(
  tensors: readonly SafeTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  return Buffer.concat(safetensorsPieces(tensors, metadata));
}

/** Such a file in pieces, its tensors not copied. */
export function safetensorsPieces(
  tensors: readonly SafeTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const ordered = [...tensors].sort(
    (a, b) => elementBytes[b.dtype] - elementBytes[a.dtype] || (a.name < b.name ? -1 : 1),
  );
  return [encodeSafetensorsHeader(ordered, metadata), ...ordered.map(({ bytes }) => bytes)];
}

/** What comes before the data of such a file; the tensors follow in this order, without gaps. */
export function encodeSafetensorsHeader(
  tensors: readonly Omit<SafeTensor, 'bytes'>[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: [string, unknown][] = [[metadataName, { format: 'pt', ...metadata }]];
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const begin = end;
    end += sizeOf(dtype, shape);
    header.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  if (new Set(header.map(([name]) => name)).size !== header.length) {
    throw new TypeError(`safetensors: names must differ and not be ${metadataName}`);
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const dataStart = lengthBytes + Math.ceil(json.byteLength / 8) * 8;
  const bytes = Buffer.alloc(dataStart, ' ');
  bytes.writeBigUInt64LE(BigInt(dataStart - lengthBytes));
  bytes.set(json, lengthBytes);
  return bytes;
}

function sizeOf(dtype: SafetensorsType, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, elementBytes[dtype]);
}

/** A tensor of 32-bit floats, without copying. */
export function floatTensor(
  name: string,
  shape: readonly number[],
  values: Float32Array,
): SafeTensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dtype: 'F32', shape, bytes };
}

/** An F32 or F64 tensor's elements: a view where alignment allows, else a copy. @throws BerthError `CHECKPOINT_CORRUPT` */
export function floatsOf(tensor: SafeTensor): Float32Array | Float64Array {
  const { name, dtype, bytes } = tensor;
  if (dtype !== 'F32' && dtype !== 'F64') corrupt(`tensor ${name} is ${dtype}, not F32 or F64`);
  // `slice` of a Buffer would be a view again.
  const isAligned = bytes.byteOffset % elementBytes[dtype] === 0;
  const aligned = isAligned ? bytes : Uint8Array.from(bytes);
  const length = bytes.byteLength / elementBytes[dtype];
  return dtype === 'F32'
    ? new Float32Array(aligned.buffer, aligned.byteOffset, length)
    : new Float64Array(aligned.buffer, aligned.byteOffset, length);
}

/**
 * Reads a safetensors file, checking every rule of the format before a length is trusted: header size and form, names
 * unique, ranges that fit their shapes and tile the data without gap or overlap to the very end.
 * @param numTensors how many it should hold, which bounds its header: 1 MiB, and 1 KiB each
 * @throws BerthError `CHECKPOINT_CORRUPT`, whatever is wrong with it
 */
export function decodeSafetensors(file: Uint8Array, numTensors = 0): SafetensorsFile {
  try {
    return decode(file, numTensors);
  } catch (error) {
    if (isBerthError(error)) throw error;
    return corrupt(`it cannot be read (${toBerthError(error).message})`, error);
  }
}

/** The longest header of a file that holds so many tensors. */
export function maxHeaderBytes(numTensors: number): number {
  return headerBytes + headerBytesPerTensor * numTensors;
}

/** How many bytes a file's header ends at. @param start the first eight bytes of it, or more */
export function safetensorsDataStart(
  start: Uint8Array,
  fileBytes: number,
  numTensors: number,
): number {
  if (start.byteLength < lengthBytes) corrupt(`the file has ${start.byteLength} bytes`);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const claimedBytes = Number(view.getBigUint64(0, true));
  const dataStart = lengthBytes + claimedBytes;
  if (claimedBytes > maxHeaderBytes(numTensors) || dataStart > fileBytes) {
    corrupt(`the header claims ${claimedBytes} bytes`);
  }
  return dataStart;
}

/**
 * Reads the header of a file, by the same rules as the whole.
 * @param start the file up to `safetensorsDataStart`, or more
 * @throws BerthError `CHECKPOINT_CORRUPT`
 */
export function decodeSafetensorsHeader(
  start: Uint8Array,
  fileBytes: number,
  numTensors = 0,
): SafetensorsHeader {
  const dataStart = safetensorsDataStart(start, fileBytes, numTensors);
  const { [metadataName]: metadata = {}, ...entries } = parseHeader(
    start.subarray(lengthBytes, dataStart),
  );
  const dataBytes = fileBytes - dataStart;
  const places = Object.entries(entries)
    .map(([name, entry]) => readEntry(name, entry, dataBytes))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const { name, begin, end: next } of places) {
    if (begin !== end) corrupt(`tensor ${name} begins at ${begin}, not ${end}`);
    end = next;
  }
  if (end !== dataBytes) corrupt(`${dataBytes - end} bytes belong to no tensor`);
  return { metadata: readMetadata(metadata), places, dataStart };
}

function decode(file: Uint8Array, numTensors: number): SafetensorsFile {
  const header = decodeSafetensorsHeader(file, file.byteLength, numTensors);
  const data = file.subarray(header.dataStart);
  const tensors = header.places.map(({ begin, end, ...tensor }): [string, SafeTensor] => [
    tensor.name,
    { ...tensor, bytes: data.subarray(begin, end) },
  ]);
  return { metadata: header.metadata, tensors: new Map(tensors) };
}

function parseHeader(header: Uint8Array): Record<string, unknown> {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
    parsed = JSON.parse(text);
  } catch (error) {
    return corrupt('the header is not JSON in UTF-8', error);
  }
  if (!/^\{[^]*\} *$/.test(text) || !isRecord(parsed)) corrupt('the header is not a JSON object');
  const { numColons, depth } = scanJson(text);
  if (depth > headerDepth) corrupt(`the header is ${depth} levels deep`);
  // JSON.parse keeps the last of equal names: fewer keys than colons outside strings betray it.
  if (countKeys(parsed) !== numColons) corrupt('the header names something twice');
  return parsed;
}

/** What sound JSON has outside its strings: colons, and brackets within brackets. */
function scanJson(text: string): { numColons: number; depth: number } {
  let [numColons, depth, level, isInString] = [0, 0, 0, false];
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (isInString) {
      if (char === '\\') index++;
      else if (char === '"') isInString = false;
    } else if (char === '"') isInString = true;
    else if (char === ':') numColons++;
    else if (char === '{' || char === '[') depth = Math.max(depth, ++level);
    else if (char === '}' || char === ']') level--;
  }
  return { numColons, depth };
}

function countKeys(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countKeys(item), 0);
  if (!isRecord(value)) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + 1 + countKeys(item), 0);
}

function readEntry(name: string, entry: unknown, dataBytes: number): TensorPlace {
  if (!isRecord(entry)) return corrupt(`tensor ${name} has no description`);
  const { dtype, shape, data_offsets: range } = entry;
  if (typeof dtype !== 'string' || !isElementType(dtype)) {
    return corrupt(`tensor ${name} has an unknown type`);
  }
  if (!isCounts(shape)) return corrupt(`tensor ${name} has no valid shape`);
  if (!isCounts(range) || range.length !== 2) return corrupt(`tensor ${name} has no valid range`);
  const [begin = 0, end = 0] = range;
  const sizeBytes = sizeOf(dtype, shape);
  if (begin > end || end > dataBytes || end - begin !== sizeBytes) {
    corrupt(`tensor ${name} of ${sizeBytes} bytes claims [${begin}, ${end}) of ${dataBytes}`);
  }
  return { name, dtype, shape, begin, end };
}

function readMetadata(metadata: unknown): Record<string, string> {
  const isText = (value: unknown): boolean => typeof value === 'string';
  if (isRecord(metadata) && Object.values(metadata).every(isText)) {
    return metadata as Record<string, string>;
  }
  return corrupt(`${metadataName} does not map text to text`);
}

function isElementType(dtype: string): dtype is SafetensorsType {
  return Object.hasOwn(elementBytes, dtype);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function corrupt(why: string, cause?: unknown): never {
  throw new BerthError('CHECKPOINT_CORRUPT', `Not a valid safetensors file: ${why}.`, { cause });
}
