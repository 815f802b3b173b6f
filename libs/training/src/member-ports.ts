import type { Logger, RunConfig, TrainingState, View } from '@berth/contracts';
import type { BaselineMeter } from '@berth/data';
import type { CheckpointSaver } from './checkpoint-saver.ts';
import type { ExampleSource } from './example-source.ts';
import type {
  EnginePort,
  HeldOutExamples,
  LedgerPort,
  PeerPort,
  RendezvousPort,
  ReporterPort,
} from './ports.ts';
import type { ReportMeter } from './tasks/fine-tuning/report-meter.ts';

/** Everything a member of a run talks to. */
export interface MemberPorts {
  readonly engine: EnginePort;
  /** What the run begins as, where that is not drawn from its seed. */
  readonly storedStart?: ((signal: AbortSignal) => Promise<TrainingState>) | undefined;
  readonly peers: PeerPort;
  readonly ledger: LedgerPort;
  readonly rendezvous: RendezvousPort;
  readonly examples: ExampleSource;
  /** Held-out examples as a phase of the run has them. */
  readonly heldOut: (phase: number) => Promise<HeldOutExamples>;
  /** A new one for each evaluation. */
  readonly baselines: () => BaselineMeter;
  /** A new one for each evaluation, of the same held-out examples; left out where the task is not measured by predictions. */
  readonly reportMeter?: ((signal: AbortSignal) => Promise<ReportMeter>) | undefined;
  readonly checkpoints: CheckpointSaver;
  readonly reporter: ReporterPort;
  readonly logger: Logger;
}

export interface MemberOptions {
  readonly runId: string;
  readonly memberId: string;
  readonly config: RunConfig;
  /** Longest wait for peers when a view begins. */
  readonly settleTimeoutMs: number;
  /** The newest view that this process saw of the run before, if it took part in it. */
  readonly lastView?: View | undefined;
}
