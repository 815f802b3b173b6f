import type { SafetensorsType } from '@berth/checkpoint';

type Reader = (view: DataView, index: number) => number;

/** Elements of each type as numbers; little-endian. */
const readers: Partial<Record<SafetensorsType, Reader>> = {
  F32: (view, index) => view.getFloat32(4 * index, true),
  F64: (view, index) => view.getFloat64(8 * index, true),
  BF16: (view, index) => bitsToFloat(view.getUint16(2 * index, true) << 16),
  F16: (view, index) => halfToFloat(view.getUint16(2 * index, true)),
};

/** The types that weights may have. Half precision widens exactly; double is rounded. */
export const weightTypes = Object.keys(readers);

/** Elements of one of `weightTypes`; a view where nothing has to be converted. */
export function toFloat32(dtype: SafetensorsType, bytes: Uint8Array): Float32Array {
  const read = readers[dtype];
  if (read === undefined) throw new TypeError(`${dtype} is no type of weights`);
  if (dtype === 'F32' && bytes.byteOffset % 4 === 0)
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numElements = bytes.byteLength / (dtype === 'F64' ? 8 : dtype === 'F32' ? 4 : 2);
  return Float32Array.from({ length: numElements }, (_, index) => read(view, index));
}

const scratch = new DataView(new ArrayBuffer(4));

function bitsToFloat(bits: number): number {
  scratch.setInt32(0, bits);
  return scratch.getFloat32(0);
}

/** IEEE 754 binary16. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
