export { createMetrics, type Metrics, type SavedCheckpoint, type WorkerHealth } from './metrics.ts';
export type { StepPhases } from './step-phases.ts';
export { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts';
