import { canonicalJson } from './sorted-json.ts';
import type { Cursor } from './ledger.ts';
import type { ExamplesConfig, RunConfig } from './run-config.ts';
import { exampleSettings } from './settings.ts';

/** Steps of a run that have the same examples and batch. A run without phases is one. */
export interface Phase {
  readonly index: number;
  readonly firstStep: number;
  /** The step after its last. */
  readonly endStep: number;
  readonly examples: ExamplesConfig;
  readonly globalBatch: number;
  /** Whether its examples are others than those of the phase before, so that it begins with an epoch of its own. */
  readonly startsEpoch: boolean;
}

type PhasedConfig = Pick<RunConfig, 'phases' | 'examples'> & {
  readonly train: Pick<RunConfig['train'], 'numSteps' | 'globalBatch'>;
};

/** The phases of a run, in order; at least one. */
export function phasesOf({ phases, examples, train }: PhasedConfig): readonly Phase[] {
  const found: Phase[] = [];
  for (const { numSteps, globalBatch, ...changed } of phases ?? [{ numSteps: train.numSteps }]) {
    const before = found.at(-1);
    const given = Object.entries(changed).filter(([, value]) => value !== undefined);
    const own: ExamplesConfig = { ...examples, ...Object.fromEntries(given) };
    const firstStep = before?.endStep ?? 0;
    found.push({
      index: found.length,
      firstStep,
      endStep: firstStep + numSteps,
      examples: own,
      globalBatch: globalBatch ?? train.globalBatch,
      startsEpoch: before !== undefined && !haveSameExamples(before.examples, own),
    });
  }
  return found;
}

/** Phases of which the last has as many more or fewer steps as the run has. */
export function withLastPhase(
  phases: RunConfig['phases'],
  before: number,
  numSteps: number,
): RunConfig['phases'] {
  return phases?.map((phase, index) =>
    index < phases.length - 1 ? phase : { ...phase, numSteps: phase.numSteps + numSteps - before },
  );
}

/** The phase of a step, counted from 0; of one behind the end, the last. */
export function phaseAt(config: PhasedConfig, step: number): Phase {
  const phases = phasesOf(config);
  return phases.find(({ endStep }) => step < endStep) ?? phases.at(-1)!;
}

/**
 * Where the examples of a step begin, given the place after those of the step before. The rest of an epoch is left when its
 * examples end with a phase: the next phase's are of the epoch after, so that no epoch has examples of two kinds.
 */
export function cursorOfStep(
  { firstStep, startsEpoch }: Pick<Phase, 'firstStep' | 'startsEpoch'>,
  step: number,
  after: Cursor,
): Cursor {
  const isNew = startsEpoch && step === firstStep && after.index > 0;
  return isNew ? { epoch: after.epoch + 1, index: 0 } : after;
}

function haveSameExamples(one: ExamplesConfig, other: ExamplesConfig): boolean {
  return canonicalJson(exampleSettings(one)) === canonicalJson(exampleSettings(other));
}

/** Whether two phases have the same held-out examples, whatever they train on: then losses on these can be compared. */
export function measureAlike(
  one: Pick<Phase, 'examples'>,
  other: Pick<Phase, 'examples'>,
): boolean {
  const [a, b] = [one, other].map(({ examples }) => ({ ...examples, corpusWeights: undefined }));
  return haveSameExamples(a!, b!);
}

/** Whether two plans train alike up to a step: the same examples in the same batches, cut at the same steps. */
export function trainAlike(one: PhasedConfig, other: PhasedConfig, numSteps: number): boolean {
  const boundaries = [one, other].flatMap((config) =>
    phasesOf(config).map((phase) => phase.firstStep),
  );
  return boundaries
    .filter((step) => step < numSteps)
    .every((step) => {
      const [a, b] = [phaseAt(one, step), phaseAt(other, step)];
      return a.globalBatch === b.globalBatch && haveSameExamples(a.examples, b.examples);
    });
}

/** A run config as it was written, with `train.numSteps` of its phases where that is left out. */
export function withPhaseSteps(config: unknown): unknown {
  const { phases, train } = (config ?? {}) as {
    readonly phases?: readonly { readonly numSteps?: unknown }[];
    readonly train?: object;
  };
  if (!Array.isArray(phases) || phases.length === 0 || Object.hasOwn(train ?? {}, 'numSteps'))
    return config;
  const steps = phases.map((phase: { readonly numSteps?: unknown } | null) => phase?.numSteps);
  if (!steps.every((numSteps) => typeof numSteps === 'number')) return config;
  const numSteps = steps.reduce((sum, some) => sum + some, 0);
  return { ...(config as object), train: { ...train, numSteps } };
}
