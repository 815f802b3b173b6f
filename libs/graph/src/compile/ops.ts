/** TensorFlow operations with their attributes and result types: what a graph is built from. */
export { constant, full, integers, range } from './ops/constants.ts';
export { after, done } from './ops/done.ts';
export {
  add,
  bitcast,
  bitwiseXor,
  cast,
  div,
  equal,
  erf,
  exp,
  greater,
  greaterEqual,
  identity,
  log,
  log1p,
  logicalAnd,
  maximum,
  mul,
  neg,
  rightShift,
  rsqrt,
  select,
  sqrt,
  square,
  sub,
  tanh,
} from './ops/elementwise.ts';
export { batchMatMul, matMul } from './ops/products.ts';
export { halfSquaredNorm, max, mean, min, sum } from './ops/reductions.ts';
export { addToRows, gatherRows, sumRowsByNumber } from './ops/rows.ts';
export { concat, padRows, reshape, slice, split, stack, transpose, unstack } from './ops/shapes.ts';
