import { sumContributions, vectorDigest } from '@berth/collectives';
import {
  numStepSums,
  packGradient,
  unpackGradient,
  type AlignedBlock,
  type Cursor,
  type RunConfig,
  type Wire,
} from '@berth/contracts';
import type { ExampleSource } from './example-source.ts';
import type { EnginePort, ReduceSession } from './ports.ts';
import { numParameters } from './vector.ts';
import { runStep, type StepOutcome } from './step.ts';

export interface SingleProcessOptions {
  readonly engine: EnginePort;
  readonly examples: ExampleSource;
  readonly train: Pick<RunConfig['train'], 'numSteps' | 'virtualRanks'> &
    Partial<Pick<RunConfig['train'], 'wire'>>;
  /** Blocks computed one by one, as that many workers would; one block of all ranks when left out. */
  readonly blocks?: readonly AlignedBlock[];
  /** Where to go on: steps applied to the engine's weights, and the next example. */
  readonly from?: { readonly step: number; readonly cursor: Cursor };
}

/**
 * A whole run in one process: the same steps as in a cluster, without peers, votes or ledger. Ending the iteration
 * ends the training; the engine must hold the weights of the first step.
 */
export async function* trainInOneProcess(
  options: SingleProcessOptions,
): AsyncGenerator<StepOutcome> {
  const { engine, examples, train } = options;
  const blocks = options.blocks ?? [{ start: 0, length: train.virtualRanks }];
  const session = localSession(numParameters(engine.layout), train.wire ?? 'fp32');
  let { step, cursor } = options.from ?? { step: 0, cursor: { epoch: 0, index: 0 } };
  for (; step < train.numSteps; step++) {
    const outcome = await runStep({
      step,
      examples: await examples.at(cursor),
      blocks,
      isLone: options.blocks === undefined,
      engine,
      session,
      commit: async () => undefined,
      onReduced: () => undefined,
      timeoutMs: Number.POSITIVE_INFINITY,
    });
    cursor = outcome.facts.to;
    yield outcome;
  }
}

/** Sums this process's own contributions in canonical order. */
function localSession(numElements: number, wire: Wire): ReduceSession {
  return {
    vectors: [],
    async allReduce({ contributions }) {
      const flat = contributions.map(({ block, data }) => ({
        block,
        data: unpackGradient(data, numElements),
      }));
      const sum = sumContributions(flat, { wire, numExact: numStepSums });
      const reduced = packGradient(sum, wire);
      return { reduced, digest: vectorDigest(reduced) };
    },
    close: () => undefined,
  };
}
