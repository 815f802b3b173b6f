/** What a control is decided by, besides the run's record. */
export interface ControlSnapshot {
  readonly numCommitted: number;
  /** Steps of complete checkpoints, oldest first. */
  readonly checkpointSteps: readonly number[];
  /** Time in which the steps after the newest checkpoint were made. */
  readonly unsavedMs: number;
}
