import type {
  Control,
  ControlRequest,
  ExtensionReport,
  ExtensionRequest,
  FineTuningReport,
  ForkReport,
  ForkRequest,
  GridControl,
  GridReport,
  LogPage,
  LogQuery,
  MetricsPage,
  PruneQuery,
  PruneReport,
  RemovalReport,
  RunConfig,
  RunRecord,
  RunStatusReport,
} from '@berth/contracts';

/** Runs as the HTTP interface asks for them. */
export interface RunsPort {
  /** A config with what it leaves out of the model that it begins with. */
  withModel(config: unknown): Promise<unknown>;
  submit(config: RunConfig, goal: RunRecord['goal']): Promise<RunStatusReport>;
  /** @param config - as it was written, with its grid */
  submitGrid(config: unknown, goal: RunRecord['goal']): Promise<GridReport>;
  controlGrid(name: string, control: GridControl): Promise<GridReport>;
  control(runId: string, control: Control, request: ControlRequest): Promise<RunStatusReport>;
  extension(runId: string, request: ExtensionRequest): Promise<ExtensionReport>;
  extend(runId: string, request: ExtensionRequest): Promise<RunStatusReport>;
  pin(runId: string, step: number, isPinned: boolean): Promise<RunStatusReport>;
  fork(runId: string, request: ForkRequest): Promise<ForkReport>;
  pruning(query: PruneQuery): Promise<PruneReport>;
  prune(query: PruneQuery): Promise<PruneReport>;
  removal(runId: string): Promise<RemovalReport>;
  remove(runId: string): Promise<RemovalReport>;
  /** @throws BerthError `RUN_NOT_FOUND` */
  report(runId: string): Promise<RunStatusReport>;
  /** Newest first. */
  list(): Promise<RunStatusReport[]>;
  metrics(runId: string, after: string): Promise<MetricsPage>;
  evaluation(runId: string, step: number): Promise<FineTuningReport>;
}

/** Log lines of all processes. */
export interface LogSource {
  /** @param runId - undefined for lines of all runs and of none */
  page(query: LogQuery, runId: string | undefined): Promise<LogPage>;
  /** What a process said last, oldest first; also after its end. */
  lastLines(source: string): Promise<string[]>;
}
