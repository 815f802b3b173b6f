export { readHuggingFaceFolder, type HuggingFaceFolder } from './folder/read-folder.ts';
export type { LoadingRow } from './folder/match-tensors.ts';
export { readWeights, type ModelSource } from './model-source.ts';
