/**
 * Names of operations' outputs, to the operations that have them (TensorFlow's op registry). A library function refers to
 * a value by this name, a graph by number. One name stands for all outputs of operations that give a list.
 */
const operationsByOutputs: Record<string, string> = {
  output:
    'All Any ArgMax ArgMin AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BatchMatMul BatchMatMulV2 ' +
    'BatchToSpaceND BiasAdd BiasAddGrad Bitcast BroadcastTo ClipByValue Concat ConcatV2 Const Conv2D ' +
    'Conv2DBackpropFilter Conv2DBackpropInput Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2 ' +
    'DepthToSpace DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter ' +
    'DepthwiseConv2dNativeBackpropInput Diag Dilation2D Einsum ExpandDims FFT Fill GatherNd GatherV2 IFFT ' +
    'Identity Imag L2Loss LRN LRNGrad LinSpace Max MaxPool MaxPool3D MaxPool3DGrad MaxPoolGrad Mean Min ' +
    'MirrorPad OneHot Pack Pad PadV2 PartitionedCall Prod Range Rank Real Reshape ResizeBilinearGrad ' +
    'ResizeNearestNeighborGrad Reverse ReverseV2 ScatterNd Select SelectV2 Slice SpaceToBatchND Split ' +
    'SplitV Squeeze StatefulPartitionedCall StridedSlice Sum TensorScatterAdd TensorScatterUpdate Tile ' +
    'Unpack UnsortedSegmentSum',
  y:
    'Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil ComplexAbs Cos Cosh Erf Exp Expm1 Floor IsFinite ' +
    'IsInf IsNan Log Log1p LogicalNot Neg OnesLike Reciprocal Round Rsqrt Sigmoid Sign Sin Sinh Sqrt ' +
    'Square Tan Tanh Transpose ZerosLike',
  z:
    'Add AddV2 Atan2 BitwiseXor Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Less LessEqual ' +
    'LogicalAnd LogicalOr Maximum Minimum Mod Mul NotEqual Pow RealDiv RightShift SquaredDifference Sub',
  activations: 'Elu LeakyRelu Relu Relu6 Selu Softplus',
  out: 'Complex Cumprod Cumsum',
  resized_images: 'ResizeBilinear ResizeNearestNeighbor',
  'values indices': 'TopK TopKV2',
  'y idx': 'Unique UniqueV2',
  sum: 'AddN',
  bins: 'Bincount',
  r0: 'BroadcastArgs',
  crops: 'CropAndResize',
  filter_backprop: 'Dilation2DBackpropFilter',
  in_backprop: 'Dilation2DBackpropInput',
  backprops: 'EluGrad',
  'y batch_mean batch_variance reserve_space_1 reserve_space_2': 'FusedBatchNorm',
  logsoftmax: 'LogSoftmax',
  product: 'MatMul',
  selected_indices: 'NonMaxSuppressionV3',
  'selected_indices valid_outputs': 'NonMaxSuppressionV4',
  'selected_indices selected_scores valid_outputs': 'NonMaxSuppressionV5',
  value: 'ReadVariableOp',
  softmax: 'Softmax',
  'loss backprop': 'SparseSoftmaxCrossEntropyWithLogits',
  dense: 'SparseToDense',
  resource: 'VarHandleOp',
  index: 'Where',
};

const outputsByOperation = new Map(
  Object.entries(operationsByOutputs).flatMap(([outputs, operations]) =>
    operations.split(' ').map((operation) => [operation, outputs.split(' ')] as const),
  ),
);

/**
 * How a library function refers to an output of one of its nodes.
 * @returns undefined for an operation whose outputs are not known here
 */
export function outputReference(op: string, node: string, index: number): string | undefined {
  const names = outputsByOperation.get(op);
  if (names === undefined) return undefined;
  return names.length === 1 ? `${node}:${names[0]}:${index}` : `${node}:${names[index]}:0`;
}
