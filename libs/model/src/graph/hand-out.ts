import { ops, type Graph, type Signature, type Value } from '@berth/graph';
import { gradientNames, sumsName, type GradientBucket } from './gradient-buckets.ts';
import type { GradientStore } from './gradient-store.ts';
import type { GraphParameter } from './graph-parameters.ts';
import type { KnownGradients } from './passes.ts';

/** The input by which a run is known to who follows it. */
export const runInput = 'run';

/** Nodes that hand a micro-batch's gradient out, bucket by bucket in their order, each as soon as all of it is known. */
export class HandOut {
  /** What `runInput` feeds. */
  readonly run: Value;
  readonly #graph: Graph;
  readonly #left: GradientBucket[];
  #last: readonly Value[] = [];

  constructor(graph: Graph, buckets: readonly GradientBucket[]) {
    this.#graph = graph;
    this.#left = [...buckets];
    this.run = graph.placeholder(runInput, { dtype: 'int32', shape: [] });
  }

  /** @returns the newest node, which comes after those before it; none as long as no bucket is known */
  add({ gradients, sums }: KnownGradients): readonly Value[] {
    for (;;) {
      const names = this.#left[0]?.gradients ?? [];
      const isKnown = names.every((name) => name === sumsName || gradients.has(name));
      if (names.length === 0 || !isKnown) return this.#last;
      this.#left.shift();
      const values = names.map((name) => gradients.get(name) ?? sums());
      this.#last = [this.#graph.handOut(this.run, values, { after: this.#last })];
    }
  }
}

/**
 * The signatures of single buckets, which `trainingGraph` names: the nodes of those of the whole gradient, but for those that take
 * the gradients in as tensors.
 * @param whole - among others statements by signature, and what `read_gradient` gives
 */
export function addBuckets(
  graph: Graph,
  buckets: readonly GradientBucket[],
  whole: {
    readonly parameters: readonly GraphParameter[];
    readonly store: GradientStore;
    readonly climbing: ReadonlyMap<string, readonly Value[]>;
    readonly read: Readonly<Record<string, Value>>;
  },
): void {
  if (buckets.length === 0) return;
  const { parameters, store, climbing, read } = whole;
  const names = gradientNames(parameters);
  const { gradients, sums } = store.read();
  const fed = [...gradients, sums].map(({ dtype, shape }, index) =>
    graph.placeholder(`gradient_of/${names[index]}`, { dtype, shape }),
  );
  const taking = new Map([
    ['start', store.start(fed)],
    ['accumulate', store.accumulate(fed)],
  ]);
  for (const { name: bucket, gradients: own, parts } of buckets) {
    const positions = own.map((name) => names.indexOf(name));
    const inputs = Object.fromEntries(own.map((name, index) => [name, fed[positions[index]!]!]));
    const add = (
      statements: ReadonlyMap<string, readonly Value[]>,
      given: Signature['inputs'],
    ): void => {
      for (const [name, all] of statements) {
        const done = ops.done(
          graph,
          positions.map((position) => all[position]!),
        );
        graph.signature(`${name}_${bucket}`, { inputs: given, outputs: { done } });
      }
    };
    add(taking, inputs);
    add(climbing, {});
    const outputs = Object.fromEntries(parts.map((name) => [name, read[name]!]));
    graph.signature(`read_gradient_${bucket}`, { inputs: {}, outputs });
  }
}
