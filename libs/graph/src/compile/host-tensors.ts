import { dtypeOf, graphDtypes, sizeOf, type TensorSpec } from './dtypes.ts';
import { constant, full } from './ops.ts';
import type { Scope, Value } from './scope.ts';
import type { TensorData, TracedBinding } from './session-binding.ts';

/** A tensor whose elements JavaScript knows. */
interface HostTensor extends TensorSpec {
  readonly data: TensorData;
}

/** Tensors that become constants of a graph: those that JavaScript makes while a function is traced, and older scalars. */
export class HostTensors {
  readonly #binding: TracedBinding;
  readonly #tensors = new Map<number, HostTensor>();
  /** Arrays that tfjs was given since; it uploads those of older tensors too, when they are first used. */
  readonly #given = new WeakSet();

  constructor(binding: TracedBinding) {
    this.#binding = binding;
  }

  /** Notes the elements of a tensor that the function makes. */
  give(elements: unknown): void {
    if (typeof elements === 'object' && elements !== null) this.#given.add(elements);
  }

  /** Notes that a tensor of JavaScript's was uploaded. */
  uploaded(id: number, shape: readonly number[], dtype: number, data: TensorData): void {
    const name = dtypeOf(dtype);
    if (name === undefined || name === 'string') return;
    if (this.#given.has(data) || sizeOf(shape) === 1)
      this.#tensors.set(id, { dtype: name, shape: [...shape], data: data.slice() });
  }

  has(id: number): boolean {
    return this.#tensors.has(id);
  }

  /** @returns undefined for a tensor that is no constant */
  constantOf(scope: Scope, id: number): Value | undefined {
    const host = this.#tensors.get(id) ?? this.#olderScalar(id);
    if (host === undefined) return undefined;
    this.#tensors.set(id, host);
    const { dtype, shape, data } = host;
    const [first] = data;
    const isUniform =
      first !== undefined && data.length > 1 && data.every((value) => Object.is(value, first));
    if (isUniform && sizeOf(shape) > 1) return full(scope, first, { dtype, shape });
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return constant(scope, { dtype, shape, bytes });
  }

  /** A tensor of one element that was there before, such as those that optimizers hold. */
  #olderScalar(id: number): HostTensor | undefined {
    const binding = this.#binding;
    const data = binding.tensorDataSync(id);
    const dtype =
      data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool';
    if (data.length !== 1 || (dtype === 'bool' && !(data instanceof Uint8Array))) return undefined;
    const type = binding.TF_ATTR_TYPE;
    const attributes = [
      { name: 'T', type, value: graphDtypes[dtype] },
      { name: 'out_type', type, value: graphDtypes.int32 },
    ];
    const [handle] = binding.executeOp('Shape', attributes, [id], 1);
    const shape = [...binding.tensorDataSync(handle!.id)];
    binding.deleteTensor(handle!.id);
    return { dtype, shape, data };
  }
}
