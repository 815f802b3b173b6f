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
  /** What was done at some times, oldest first. */
  readonly samples: readonly Sample[];
  readonly nowMs: number;
  readonly numWorkersBusy: number;
  /** It was made elsewhere, and is taken in: nothing follows. @defaultValue false */
  readonly isReady?: boolean;
}

/** How much was done at a time. */
export interface Sample {
  readonly atMs: number;
  readonly stage: PreparationStage;
  /** Of the stage that was under way: bytes of text where it reads some, else jobs. */
  readonly done: number;
  /** Of all stages, as a time that it took one processor. */
  readonly workMs: number;
}

/** Stages that are told of before the examples. */
function stagesOf({ there, isReady }: ProgressState): readonly PreparationStage[] {
  if (isReady === true) return ['inventory'];
  const comparesDocuments = there.plan?.corpus.nearDuplicates !== undefined;
  return preparationStages.filter(
    (stage) => stage !== 'examples' && (stage !== 'nearDuplicates' || comparesDocuments),
  );
}

/** Processor time that a stage takes for a MB of text, as measured with 100 MB of prose (docs/data-at-size.md): for the time that is left. */
const workMsPerMb: Readonly<Record<PreparationStage, number>> = {
  inventory: 0,
  survey: 140,
  vocabulary: 25,
  tokenise: 143,
  // Not measured: short beside tokenising, which makes the signatures.
  nearDuplicates: 0,
  assemble: 15,
  examples: 0,
};
/** A survey that counts no words only hashes. */
const hashingMsPerMb = 1;
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

/** The time that is left if all goes on as it did lately: by work, so that stages of other speeds say something of each other. */
function etaOf(
  { samples, nowMs, ...state }: ProgressState,
  stages: readonly StageProgress[],
): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || nowMs - first.atMs < leastRateMs) return null;
  const perMs = (last.workMs - first.workMs) / (nowMs - first.atMs);
  const { doneMs, allMs } = workOf({ ...state, samples, nowMs }, stages);
  return perMs > 0 ? (allMs - doneMs) / perMs : null;
}

/** What is done of all work, and how much that is; nothing while the corpus is not listed. */
function workOf(
  { there: { plan }, words }: ProgressState,
  stages: readonly StageProgress[],
): { readonly doneMs: number; readonly allMs: number } {
  let [doneMs, allMs] = [0, 0];
  for (const { stage, state, numDone, numJobs, numBytesDone } of stages) {
    const isHashing = stage === 'survey' && words === undefined;
    const stageMs =
      ((isHashing ? hashingMsPerMb : workMsPerMb[stage]) * (plan?.numBytes ?? 0)) / 1e6;
    const share =
      numBytesDone === null
        ? numDone / (numJobs ?? Infinity)
        : numBytesDone / Math.max(1, plan?.numBytes ?? 0);
    allMs += stageMs;
    doneMs += stageMs * (state === 'done' ? 1 : Math.min(1, share));
  }
  return { doneMs, allMs };
}

/** What counts as done by now, for rates. */
export function sampleOf(state: ProgressState): Sample | undefined {
  const { stages } = preparationProgress(state);
  const active = stages.find((stage) => stage.state === 'active');
  if (active === undefined) return undefined;
  const { stage, numBytesDone, numDone } = active;
  const { doneMs: workMs } = workOf(state, stages);
  return { atMs: state.nowMs, stage, done: numBytesDone ?? numDone, workMs };
}
