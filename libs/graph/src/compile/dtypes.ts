/** TensorFlow's numbers for the element types a graph can hold (types.proto). */
export const graphDtypes = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  float16: 19,
  resource: 20,
  uint32: 22,
} as const;
export type GraphDtype = keyof typeof graphDtypes;

const names = new Map(Object.entries(graphDtypes).map(([name, number]) => [number, name]));

/** @returns undefined for a type that graphs cannot hold */
export function dtypeOf(number: number): GraphDtype | undefined {
  return names.get(number as (typeof graphDtypes)[GraphDtype]) as GraphDtype | undefined;
}

/** Type and static shape of a tensor. */
export interface TensorSpec {
  readonly dtype: GraphDtype;
  readonly shape: readonly number[];
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
