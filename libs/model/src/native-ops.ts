import { BerthError } from '@berth/contracts';
import { backend, type KernelBackend, type Tensor } from '@tensorflow/tfjs-core';

/** An op attribute as tfjs-node's addon takes it; type and value are TensorFlow's enum numbers. */
interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number;
}

/** The part of tfjs-node's backend that runs TensorFlow ops tfjs-core has no name for. */
interface NativeBackend extends KernelBackend {
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_FLOAT: number;
    readonly TF_INT32: number;
  };
  executeMultipleOutputs(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly Tensor[],
    numOutputs: number,
  ): Tensor[];
}

/**
 * TensorFlow's SparseSoftmaxCrossEntropyWithLogits: cross-entropy of each row, and its gradient by the logits.
 * @throws BerthError `RUNTIME_UNAVAILABLE` when the current tfjs backend is not TensorFlow's
 */
export function sparseSoftmaxCrossEntropy(
  logits_RC: Tensor,
  labels_R: Tensor,
): { readonly loss_R: Tensor; readonly gradient_RC: Tensor } {
  const native = nativeBackend();
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = native.binding;
  const attributes = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'Tlabels', type: TF_ATTR_TYPE, value: TF_INT32 },
  ];
  const [loss_R, gradient_RC] = native.executeMultipleOutputs(
    'SparseSoftmaxCrossEntropyWithLogits',
    attributes,
    [logits_RC, labels_R],
    2,
  );
  if (loss_R === undefined || gradient_RC === undefined)
    throw new BerthError(
      'INTERNAL',
      'SparseSoftmaxCrossEntropyWithLogits gave fewer than 2 outputs',
    );
  return { loss_R, gradient_RC };
}

function nativeBackend(): NativeBackend {
  const current = backend();
  if (!isNative(current))
    throw new BerthError(
      'RUNTIME_UNAVAILABLE',
      'the model needs the TensorFlow backend; start it before building an engine',
    );
  return current;
}

function isNative(candidate: KernelBackend): candidate is NativeBackend {
  return 'binding' in candidate && 'executeMultipleOutputs' in candidate;
}
