export { createCheckpointSaver, type CheckpointSaver } from './checkpoint-saver.ts';
export type { CheckpointSaverOptions, PendingSave } from './saving/saver-options.ts';
export { Spool } from './saving/spool.ts';
export { engineInThisThread } from './engine-port.ts';
export { evaluate, type Evaluation, type EvaluationOptions } from './evaluate.ts';
export {
  createExampleSource,
  type ExampleSource,
  type ExampleSourceOptions,
  type StepExamples,
} from './example-source.ts';
export { createPhasedSource } from './phased-source.ts';
export { Member } from './member.ts';
export type { MemberOptions, MemberPorts } from './member-ports.ts';
export type {
  BlockGradient,
  EnginePort,
  ExampleReader,
  HeldOutExamples,
  ExampleShardsPort,
  LedgerPort,
  PeerPort,
  ReduceSession,
  RendezvousPort,
  ReporterPort,
} from './ports.ts';
export {
  createReportMeter,
  type AnswerSettings,
  type ReportMeter,
} from './tasks/fine-tuning/report-meter.ts';
export { numbersOf } from './tasks/fine-tuning/report-numbers.ts';
export { StepWork, type Reduced, type StepContext } from './step.ts';
export {
  trainInOneProcess,
  type SingleProcessOptions,
  type StepOutcome,
} from './single-process.ts';
