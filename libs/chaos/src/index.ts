export { faultCounts } from './fault-counts.ts';
export { type LedgerInspection, inspectLedger } from './inspect-ledger.ts';
export { chaosConfigFile } from './long-run.ts';
export { type FaultCounts, noFaults } from './plan.ts';
export type { FaultReport } from './recover-from.ts';
export { type ChaosReport, runChaos } from './run-chaos.ts';
export { describeKind, summarizeFaults } from './summary.ts';
export { recovery } from './recovery.ts';
export { soak } from './soak.ts';
