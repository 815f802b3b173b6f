export { openCheckpoint, type CheckpointSource } from './checkpoint/open-checkpoint.ts';
export { findCheckpoints, listRuns, readStoredRecord } from './checkpoint/find-checkpoints.ts';
export { exportRun, type ExportedCheckpoint } from './export/export-run.ts';
export {
  readFineTunedFolder,
  readHuggingFaceFolder,
  readAnyFolder,
  type AnyFolder,
  readModelFolder,
  type HuggingFaceFolder,
} from './folder/read-folder.ts';
export type { LoadingRow } from './folder/match-tensors.ts';
export {
  parametersOf,
  readWeights,
  sourceOf,
  trainedModelOf,
  type ModelSource,
} from './model-source.ts';
export {
  requireFree,
  writeHuggingFaceFolder,
  type CardWriter,
  type WrittenFolder,
} from './writing/write-folder.ts';
export {
  bucketPlace,
  requireEmpty,
  writeToStore,
  type FolderStore,
} from './writing/write-to-store.ts';
export type { WrittenFile } from './writing/write-weights.ts';
export { createModelRepo, pushFolder, type HubPlace } from './hub/push-folder.ts';
