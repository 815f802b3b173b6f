export { openCheckpoint, type CheckpointSource } from './checkpoint/open-checkpoint.ts';
export { findCheckpoints, listRuns, readStoredRecord } from './checkpoint/find-checkpoints.ts';
export { exportRun, type ExportedCheckpoint } from './export/export-run.ts';
export { readHuggingFaceFolder, type HuggingFaceFolder } from './folder/read-folder.ts';
export type { LoadingRow } from './folder/match-tensors.ts';
export {
  parametersOf,
  readWeights,
  sourceOf,
  trainedModelOf,
  type ModelSource,
} from './model-source.ts';
export {
  layouts,
  writeHuggingFaceFolder,
  type CardWriter,
  type FolderLayout,
  type WrittenFolder,
} from './writing/write-folder.ts';
export type { WrittenFile } from './writing/write-weights.ts';
export { createModelRepo, pushFolder, type HubPlace } from './hub/push-folder.ts';
