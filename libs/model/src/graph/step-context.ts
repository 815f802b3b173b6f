import { BerthError, type BatchShape, type ModelConfig } from '@berth/contracts';
import { ops, type Graph, type Value } from '@berth/graph';
import { dropoutSites } from '../eager/dropout.ts';
import type { ComputeDtype } from './blocks/precision.ts';
import type { TaskModel } from '../tasks/task-model.ts';
import type { BlockName, ModelBlocks } from './model-blocks.ts';

/** Dropout keys of a forward pass, by site. */
export type DropoutKeys = (site: number, ratio: number) => Value | undefined;

/** What building a forward and backward pass needs. */
export interface StepContext {
  readonly graph: Graph;
  readonly config: ModelConfig;
  readonly shape: BatchShape;
  readonly compute: ComputeDtype;
  readonly blocks: ModelBlocks;
  /** Of the batch, by name: its dimension, then those of an example. */
  readonly columns: Readonly<Record<string, Value>>;
  /** 1 for real examples, 0 for those that fill up the batch. */
  readonly exampleWeights_B: Value;
  /** Float32 weights by the graph's parameter names. */
  readonly weights: ReadonlyMap<string, Value>;
  readonly keys: DropoutKeys;
}

/** Sites of a model with dropout, numbered from 0. */
export function numDropoutSites(
  { numLayers }: ModelConfig,
  { dropsHeadInput = false }: Pick<TaskModel, 'dropsHeadInput'>,
): number {
  const last = dropsHeadInput
    ? dropoutSites.headInput(numLayers)
    : dropoutSites.feedForwardOutput(numLayers - 1);
  return last + 1;
}

export const nothingDropped: DropoutKeys = () => undefined;

/** The keys of all sites from a [K, 2] tensor. */
export function dropoutKeysFrom(keys_K2: Value): DropoutKeys {
  const bySite = ops.unstack(keys_K2);
  return (site, ratio) => (ratio === 0 ? undefined : bySite[site]);
}

/** Calls a compiled block; undefined arguments are left out. */
export function callBlock(
  { graph, blocks }: StepContext,
  name: BlockName,
  ...args: readonly (Value | undefined)[]
): Value[] {
  return graph.call(
    name,
    blocks[name],
    args.filter((argument) => argument !== undefined),
  );
}

/** A column of the batch. */
export function column({ columns }: StepContext, name: string): Value {
  const found = columns[name];
  if (found !== undefined) return found;
  throw new BerthError('INTERNAL', `the graph has no column ${name}`);
}

/** Rows [T, ...] of the tokens whose positions a column has, end to end. */
export function rowsAt(context: StepContext, name: string): Value {
  const { graph, shape } = context;
  const { batchSize: B, maxSeqLength: S } = shape;
  const firstRows_B1 = ops.reshape(ops.mul(ops.range(graph, B), S), [B, 1]);
  return ops.reshape(ops.add(column(context, name), firstRows_B1), [-1]);
}

/** A parameter in float32. */
export function weight({ weights }: StepContext, name: string): Value {
  const found = weights.get(name);
  if (found !== undefined) return found;
  throw new BerthError('INTERNAL', `the graph has no parameter ${name}`);
}

/** A parameter in the compute type, cast once for all its products. */
export function matrix(context: StepContext, name: string): Value {
  return ops.cast(weight(context, name), context.compute);
}
