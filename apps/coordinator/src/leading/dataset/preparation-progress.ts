import {
  preparationStages,
  type JobNote,
  type Plan,
  type PreparationProgress,
  type PreparationStage,
  type StageProgress,
  type WordCase,
} from '@berth/contracts';
import {
  assembledKey,
  numListsByLevel,
  shardGroups,
  surveyKey,
  tokenisedKey,
  wordsKey,
  type WhatIsThere,
} from '@berth/data';

/** All that a look at a dataset in the making knows. */
export interface ProgressState {
  /** As the bucket was when what is under way was asked for. */
  readonly there: WhatIsThere;
  /** How words are counted; undefined where none are. */
  readonly words: WordCase | undefined;
  readonly notes: ReadonlyMap<string, JobNote>;
  /** What is under way. */
  readonly stage: PreparationStage;
  /** When each stage began, by one clock. */
  readonly beganMs: ReadonlyMap<PreparationStage, number>;
  /** Bytes that the stage under way had read at some times, oldest first. */
  readonly samples: readonly Sample[];
  readonly nowMs: number;
  readonly numWorkersBusy: number;
  /** It was made elsewhere, and is taken in: nothing follows. @defaultValue false */
  readonly isReady?: boolean;
}

/** How much a stage had done at a time. */
export interface Sample {
  readonly atMs: number;
  readonly stage: PreparationStage;
  readonly done: number;
}

/** Stages that are told of before the examples. */
function stagesOf({ there, isReady }: ProgressState): readonly PreparationStage[] {
  if (isReady === true) return ['inventory'];
  const comparesDocuments = there.plan?.corpus.nearDuplicates !== undefined;
  return preparationStages.filter(
    (stage) => stage !== 'examples' && (stage !== 'nearDuplicates' || comparesDocuments),
  );
}

/** Time that a stage takes for a byte of text, relative to each other, as a rough guess: for the time that is left. */
const costs: Readonly<Partial<Record<PreparationStage, number>>> = {
  survey: 1,
  tokenise: 1.2,
  assemble: 0.15,
};
/** A survey that counts no words only hashes. */
const hashingCost = 0.03;
/** Too short a time says nothing of a rate. */
const leastRateMs = 2_000;

/** Jobs of a stage are asked for with those after it that need them: which stage is under way shows in what is done. */
export function stageUnderWay(state: ProgressState): PreparationStage {
  const { stage } = state;
  if (stage !== 'survey' && stage !== 'tokenise') return stage;
  const { numDone, numJobs } = countsOf(state, stage, 'active');
  if (numDone !== numJobs) return stage;
  return stage === 'survey' ? 'vocabulary' : stagesOf(state)[stagesOf(state).indexOf(stage) + 1]!;
}

/** How far a dataset is. @returns what people are shown */
export function preparationProgress(state: ProgressState): PreparationProgress {
  const all = stagesOf(state);
  const current = all.indexOf(state.stage);
  const stages = all.map((stage, index) =>
    stageOf(state, stage, index < current ? 'done' : index === current ? 'active' : 'waiting'),
  );
  return { stages, etaMs: etaOf(state, stages), numWorkersBusy: state.numWorkersBusy };
}

function stageOf(
  state: ProgressState,
  stage: PreparationStage,
  place: StageProgress['state'],
): StageProgress {
  const { there, beganMs, nowMs, notes } = state;
  const began = beganMs.get(stage);
  const all = stagesOf(state);
  const next = all.slice(all.indexOf(stage) + 1).flatMap((later) => beganMs.get(later) ?? [])[0];
  const counted = countsOf(state, stage, place);
  const activity = place === 'active' ? activityOf(notes, stage) : undefined;
  return {
    stage,
    state: place,
    ...counted,
    bytesPerSecond: place === 'active' && counted.numBytes !== null ? rateOf(state) : null,
    elapsedMs: began === undefined ? null : Math.max(0, (next ?? nowMs) - began),
    ...(activity !== undefined && { activity }),
    ...(stage === 'inventory' && there.plan !== undefined && { numDone: 1 }),
  };
}

type Counts = Pick<
  StageProgress,
  'numDone' | 'numJobs' | 'numBytesDone' | 'numBytes' | 'numDocuments'
>;

const noBytes = { numBytesDone: null, numBytes: null, numDocuments: null };

function countsOf(
  { there, words, notes }: ProgressState,
  stage: PreparationStage,
  place: StageProgress['state'],
): Counts {
  const { plan, datasetId, split, keys } = there;
  const isDone = (job: string, key: string | undefined): boolean =>
    place === 'done' || notes.get(job)?.isDone === true || (key !== undefined && keys.has(key));
  if (stage === 'inventory') return { numDone: place === 'done' ? 1 : 0, numJobs: 1, ...noBytes };
  if (plan === undefined) return { numDone: 0, numJobs: null, ...noBytes };
  const { planId } = plan;
  if (stage === 'survey')
    return countsOfChunks(plan, notes, 'survey', (chunk) =>
      isDone(
        `survey/${chunk}`,
        words === undefined ? surveyKey(planId, chunk) : wordsKey(planId, words, 0, chunk),
      ),
    );
  if (stage === 'tokenise')
    return countsOfChunks(plan, notes, 'tokenise', (chunk) =>
      isDone(`tokenise/${chunk}`, datasetId && tokenisedKey(datasetId, chunk)),
    );
  if (stage === 'vocabulary') {
    const sums = words === undefined ? [] : sumsOf(plan);
    const numDone = sums.filter(([level, index]) =>
      isDone(`mergeCounts/${level}/${index}`, words && wordsKey(planId, words, level, index)),
    ).length;
    const isMade = place === 'done' ? 1 : 0;
    return { numDone: numDone + isMade, numJobs: sums.length + 1, ...noBytes };
  }
  if (stage === 'nearDuplicates') {
    const numDocuments = notes.get('nearDuplicates')?.numDocuments ?? null;
    return { ...noBytes, numDone: place === 'done' ? 1 : 0, numJobs: 1, numDocuments };
  }
  if (split === undefined) return { numDone: 0, numJobs: null, ...noBytes };
  const groups = shardGroups(split);
  const numDone = groups.filter(({ split: of, first }) =>
    isDone(`assemble/${of}/${first}`, datasetId && assembledKey(datasetId, of, first)),
  ).length;
  return { numDone, numJobs: groups.length, ...noBytes };
}

function countsOfChunks(
  { chunkBytes }: Plan,
  notes: ReadonlyMap<string, JobNote>,
  kind: 'survey' | 'tokenise',
  isDone: (chunk: number) => boolean,
): Counts {
  let [numDone, numBytesDone, numBytes] = [0, 0, 0];
  let numDocuments: number | null = 0;
  for (const [chunk, bytes] of chunkBytes.entries()) {
    const note = notes.get(`${kind}/${chunk}`);
    numBytes += bytes;
    const done = isDone(chunk);
    if (done) numDone += 1;
    numBytesDone += done ? bytes : Math.min(bytes, note?.numBytes ?? 0);
    // Of what was done before Redis was emptied only the bytes are known.
    if (done && note === undefined) numDocuments = null;
    if (numDocuments !== null) numDocuments += note?.numDocuments ?? 0;
  }
  return { numDone, numJobs: chunkBytes.length, numBytesDone, numBytes, numDocuments };
}

function sumsOf({ chunkBytes }: Plan): [level: number, index: number][] {
  return numListsByLevel(chunkBytes.length).flatMap((num, level) =>
    level === 0 ? [] : Array.from({ length: num }, (_, index): [number, number] => [level, index]),
  );
}

function activityOf(
  notes: ReadonlyMap<string, JobNote>,
  stage: PreparationStage,
): string | undefined {
  for (const [job, { isDone, activity }] of notes)
    if (
      !isDone &&
      activity !== undefined &&
      (job.startsWith(stage) || (job === 'import' && stage === 'inventory'))
    )
      return activity;
  return undefined;
}

/** What is done a second, of the stage under way. */
function rateOf({ samples, stage, nowMs }: ProgressState): number | null {
  const own = samples.filter((sample) => sample.stage === stage);
  const [first, last] = [own[0], own.at(-1)];
  if (first === undefined || last === undefined || nowMs - first.atMs < leastRateMs) return null;
  return (1_000 * Math.max(0, last.done - first.done)) / (nowMs - first.atMs);
}

function etaOf(state: ProgressState, stages: readonly StageProgress[]): number | null {
  const rate = rateOf(state);
  const { plan } = state.there;
  const costOf = (stage: PreparationStage): number =>
    stage === 'survey' && state.words === undefined ? hashingCost : (costs[stage] ?? 0);
  const current = costOf(state.stage);
  if (rate === null || rate === 0 || plan === undefined || current === 0) return null;
  const left = stages.reduce((sum, { stage, numDone, numJobs, numBytesDone, state: place }) => {
    if (place === 'done') return sum;
    const share =
      numBytesDone !== null ? numBytesDone / Math.max(1, plan.numBytes) : numDone / (numJobs ?? 1);
    return sum + costOf(stage) * plan.numBytes * Math.max(0, 1 - share);
  }, 0);
  // The rate of a stage that counts shards is one of shards.
  const perSecond = state.stage === 'assemble' ? shardRate(rate, stages, plan) : rate;
  return (1_000 * left) / (perSecond * current);
}

function shardRate(rate: number, stages: readonly StageProgress[], { numBytes }: Plan): number {
  const numJobs = stages.find(({ stage }) => stage === 'assemble')?.numJobs ?? 1;
  return (rate * numBytes) / numJobs;
}

/** What counts as done of the stage under way, for its rate. */
export function doneOf({
  stages,
}: PreparationProgress): Pick<Sample, 'stage' | 'done'> | undefined {
  const active = stages.find(({ state }) => state === 'active');
  return active && { stage: active.stage, done: active.numBytesDone ?? active.numDone };
}
