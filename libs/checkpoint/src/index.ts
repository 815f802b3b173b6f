export { applyRetention } from './apply-retention.ts';
export { isOnLine, type Attempts } from './attempts.ts';
export { isComplete, readBranch, storeBranchLedger, writeBranch } from './branch.ts';
export { copyCheckpoint, type CopyProgress } from './copy-checkpoint.ts';
export { stateDigestInTurns, weightsDigest } from './digest.ts';
export {
  attemptsPrefix,
  ledgerSegmentKey,
  manifestKey,
  placeOfKey,
  shardKey,
  type Line,
} from './keys.ts';
export {
  decodeLedger,
  encodeLedger,
  fullSegments,
  stepsPerSegment,
  uploadLedgerSegment,
} from './ledger-segment.ts';
export { isLeftBehind, listCheckpoints, readManifest, type ListedCheckpoint } from './manifest.ts';
export { mapConcurrently } from './map-concurrently.ts';
export { pinCheckpoint } from './pin.ts';
export { assignShards, momentNames, planShards, type PlannedShard } from './plan.ts';
export {
  findNewestValid,
  loadCheckpoint,
  type LoadedCheckpoint,
  type SkippedCheckpoint,
} from './read.ts';
export { decideRetention, type RetentionDecision, type RetentionPolicy } from './retention.ts';
export { probeStore, storeFeatures, type StoreFeature, type StoreProbe } from './s3/probe-store.ts';
export { createS3ObjectStore, type S3ObjectStore } from './s3/s3-object-store.ts';
export { createS3Source, type S3Source } from './s3/s3-source.ts';
export type { S3ObjectStoreOptions } from './s3/s3-options.ts';
export {
  decodeSafetensors,
  decodeSafetensorsHeader,
  encodeSafetensors,
  encodeSafetensorsHeader,
  floatsOf,
  floatTensor,
  safetensorsDataStart,
  type SafeTensor,
  type SafetensorsFile,
  type SafetensorsType,
  type TensorPlace,
} from './safetensors.ts';
export { storedLedger } from './stored-ledger.ts';
export { isDamage, readPart } from './stored-part.ts';
export { findSweepableParts, findUnnamedParts, sweepUnnamedParts } from './unnamed-parts.ts';
export { encodeShard, uploadShard, uploadShards, writeManifest } from './write.ts';
export { findNewestManifest } from './newest-manifest.ts';
export { surveyCheckpoints, type ManifestCache, type SurveyedCheckpoint } from './survey.ts';
export { checkpointAsModel, type CheckpointModel } from './models/checkpoint-as-model.ts';
export { findCheckpoint, findModel, namesFolder, nameModel } from './models/find-model.ts';
export {
  listModelNames,
  listModels,
  modelOfName,
  removeModel,
  removeModelName,
  type ListedModel,
} from './models/list-models.ts';
export { runRecordKey, runRecordsPrefix } from './models/model-keys.ts';
export {
  loadModelWeights,
  openModel,
  readModel,
  readModelVocabulary,
} from './models/read-model.ts';
export { storeModel } from './models/store-model.ts';
export type { ParameterValues, TrainedModel } from './models/trained-model.ts';
export { putEvaluationReport, readEvaluationReport } from './evaluation-reports.ts';
