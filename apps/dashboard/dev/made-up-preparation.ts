import type { PreparationProgress } from '@berth/contracts';

const none = {
  numBytesDone: null,
  numBytes: null,
  numDocuments: null,
  bytesPerSecond: null,
  elapsedMs: null,
};

/** Data that is being tokenised. */
export const madeUpPreparation: PreparationProgress = {
  numWorkersBusy: 2,
  etaMs: 184_000,
  stages: [
    { stage: 'inventory', state: 'done', ...none, numDone: 1, numJobs: 1, elapsedMs: 340 },
    {
      stage: 'survey',
      state: 'done',
      ...none,
      numDone: 34,
      numJobs: 34,
      numBytesDone: 1_093_741_824,
      numBytes: 1_093_741_824,
      numDocuments: 412_960,
      elapsedMs: 151_200,
    },
    { stage: 'vocabulary', state: 'done', ...none, numDone: 4, numJobs: 4, elapsedMs: 21_800 },
    {
      stage: 'tokenise',
      state: 'active',
      ...none,
      numDone: 13,
      numJobs: 34,
      numBytesDone: 448_112_000,
      numBytes: 1_093_741_824,
      numDocuments: 169_201,
      bytesPerSecond: 5_730_000,
      elapsedMs: 78_200,
    },
    { stage: 'assemble', state: 'waiting', ...none, numDone: 0, numJobs: null },
  ],
};
