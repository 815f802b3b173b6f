export * from './api/index.ts';
export * from './canonical-json.ts';
export * from './sorted-json.ts';
export * from './checkpoint.ts';
export type { SourceOf } from './config-error.ts';
export * from './config-parse.ts';
export * from './constants.ts';
export * from './clock-skew.ts';
export * from './corpus-chunk.ts';
export * from './cut-log-line.ts';
export * from './dataset-health.ts';
export * from './dataset.ts';
export * from './given-dataset.ts';
export * from './disk-space.ts';
export * from './engine.ts';
export * from './epochs.ts';
export * from './environment/coordinator-variables.ts';
export { readVariables, type Environment } from './environment/read-variables.ts';
export * from './environment/worker-variables.ts';
export * from './errors.ts';
export * from './example-batch.ts';
export * from './gradient-vector.ts';
export * from './export-section.ts';
export * from './grid/expand-grid.ts';
export * from './grid/grid-point.ts';
export * from './grid/grid-report.ts';
export * from './grid/report-grid.ts';
export type { InitSection } from './init-section.ts';
export * from './inference.ts';
export * from './jobs.ts';
export * from './judge-health.ts';
export * from './labelled-dataset.ts';
export * from './learning-rate.ts';
export * from './leave-order.ts';
export * from './ledger.ts';
export { maxLabels, maxModel, maxShards } from './limits.ts';
export * from './logger.ts';
export * from './model-config.ts';
export * from './object-store.ts';
export * from './or-aborted.ts';
export * from './network/describe-network.ts';
export * from './network/network-report.ts';
export * from './peer-secret.ts';
export * from './phases.ts';
export * from './port-taken.ts';
export * from './preparation/describe-preparation.ts';
export * from './preparation/plan.ts';
export * from './preparation/progress.ts';
export * from './preparation/stored-text.ts';
export * from './read-json.ts';
export * from './ready-mark.ts';
export * from './relay.ts';
export * from './redis-url.ts';
export * from './renamed-settings.ts';
export * from './run-config.ts';
export * from './run-event.ts';
export * from './run.ts';
export * from './services.ts';
export * from './settings.ts';
export * from './state-digest.ts';
export * from './step-sums.ts';
export * from './stored-model.ts';
export * from './suggest.ts';
export {
  heldOutHeaderSchema,
  storedHeldOutRowSchema,
  type StoredHeldOutRow,
} from './tasks/fine-tuning/held-out-rows.ts';
export { withoutUnused } from './tasks/fine-tuning/check-settings.ts';
export { requireSameHead } from './tasks/fine-tuning/same-head.ts';
export { fineTuningReportSchema, reportLimits } from './tasks/fine-tuning/report.ts';
export {
  readingSettingsOf,
  type Prediction,
  type PredictionInput,
  type ReadingSettings,
} from './tasks/fine-tuning/prediction.ts';
export * from './view.ts';
export * from './wire-error.ts';
export * from './worker-end.ts';
export * from './plain-engine.ts';
export * from './worker-engine.ts';
export * from './with-stored-model.ts';
export * from './word-digest.ts';
