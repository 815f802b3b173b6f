import { sumContributions, vectorDigest } from '@berth/collectives';
import {
  packGradient,
  unpackGradient,
  type AlignedBlock,
  type ApplyResult,
  type Cursor,
  type RunConfig,
  type StepFacts,
  type StepSums,
  type AllReduceDtype,
} from '@berth/contracts';
import type { ExampleSource } from './example-source.ts';
import type { EnginePort, ReduceSession } from './ports.ts';
import { StepWork } from './step.ts';
import { numParameters } from './vector.ts';

export interface SingleProcessOptions {
  readonly engine: EnginePort;
  readonly examples: ExampleSource;
  readonly train: Pick<RunConfig['train'], 'numSteps' | 'virtualRanks'> &
    Partial<Pick<RunConfig['train'], 'allReduceDtype'>>;
  /** Blocks computed one by one, as that many workers would; one block of all ranks when left out. */
  readonly blocks?: readonly AlignedBlock[];
  /** Of a run that has several. @defaultValue always 0 */
  readonly phaseOf?: (step: number) => number;
  /** Where to go on: steps applied to the engine's weights, and the next example. */
  readonly from?: { readonly step: number; readonly cursor: Cursor };
}

export interface StepOutcome {
  readonly facts: StepFacts;
  readonly sums: StepSums;
  readonly applied: ApplyResult;
}

/**
 * A whole run in one process: the same steps as in a cluster, without peers, votes or ledger. Ending the iteration
 * ends the training; the engine must hold the weights of the first step.
 */
export async function* trainInOneProcess(
  options: SingleProcessOptions,
): AsyncGenerator<StepOutcome> {
  const { engine, examples: source, train, phaseOf = () => 0 } = options;
  const blocks = options.blocks ?? [{ start: 0, length: train.virtualRanks }];
  const isLone = options.blocks === undefined;
  const session = localSession(engine, train.allReduceDtype ?? 'fp32');
  let { step, cursor } = options.from ?? { step: 0, cursor: { epoch: 0, index: 0 } };
  for (; step < train.numSteps; step++) {
    const examples = await source.at(cursor, step);
    await engine.enterPhase?.(phaseOf(step));
    const timeoutMs = Number.POSITIVE_INFINITY;
    const work = new StepWork({ step, examples, blocks, isLone, engine, session, timeoutMs });
    await work.compute();
    const { digest, sums } = await work.reduce();
    const applied = await work.apply();
    const { from, to, numExamples } = examples;
    cursor = to;
    yield { facts: { step, from, to, numExamples, gradientDigest: digest }, sums, applied };
  }
}

/** Sums this process's own contributions in canonical order. */
function localSession({ layout, task }: EnginePort, dtype: AllReduceDtype): ReduceSession {
  const numElements = numParameters(layout);
  return {
    vectors: [],
    async allReduce({ contributions }) {
      const flat = contributions.map(({ block, data }) => ({
        block,
        data: unpackGradient(data, numElements),
      }));
      const sum = sumContributions(flat, { dtype, numExact: task.sums.length });
      const reduced = packGradient(sum, numElements, dtype);
      return { reduced, digest: vectorDigest(reduced) };
    },
    close: () => undefined,
  };
}
