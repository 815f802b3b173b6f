import type { PreparationProgress, PreparationStage, StageProgress } from './progress.ts';

/** What a stage does, for people. */
export const stageTitles: Readonly<Record<PreparationStage, string>> = {
  inventory: 'listing the files',
  survey: 'reading the corpus',
  vocabulary: 'making the vocabulary',
  tokenise: 'tokenising',
  nearDuplicates: 'looking for near duplicates',
  assemble: 'sorting documents into shards',
  examples: 'making examples',
};

/** How far the data is, for people: its active stage in numbers; undefined where nothing is under way. */
export function describePreparation({ stages, etaMs }: PreparationProgress): string | undefined {
  const active = stages.find(({ state }) => state === 'active');
  if (active === undefined) return undefined;
  const left = etaMs === null ? [] : [`about ${durationText(etaMs)} left`];
  return [`${active.activity ?? stageTitles[active.stage]}${amountText(active)}`, ...left].join(
    ', ',
  );
}

/** How much of a stage is done, to be put behind its name. */
export function amountText(stage: StageProgress): string {
  const { numBytesDone, numBytes, numDocuments, bytesPerSecond, numDone, numJobs } = stage;
  if (numBytesDone === null || numBytes === null)
    return numJobs === null || numJobs === 1 ? '' : `: ${numDone} of ${numJobs}`;
  const percent = Math.floor((100 * numBytesDone) / Math.max(1, numBytes));
  const facts = [
    `: ${percent} % of ${bytesText(numBytes)}`,
    ...(numDocuments === null || numDocuments === 0
      ? []
      : [`${numDocuments.toLocaleString('en-US')} documents`]),
    ...(bytesPerSecond === null || bytesPerSecond === 0
      ? []
      : [`${(bytesPerSecond / 1e6).toFixed(1)} MB/s`]),
  ];
  return facts.join(', ');
}

function bytesText(numBytes: number): string {
  if (numBytes < 1e6) return `${Math.ceil(numBytes / 1e3)} kB`;
  return numBytes < 1e9 ? `${(numBytes / 1e6).toFixed(1)} MB` : `${(numBytes / 1e9).toFixed(2)} GB`;
}

/** To two units: precise enough for an estimate. */
function durationText(durationMs: number): string {
  const seconds = Math.max(1, Math.round(durationMs / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
