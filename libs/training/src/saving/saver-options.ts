import type {
  BerthError,
  Logger,
  ModelConfig,
  Numerics,
  ObjectStore,
  ParameterSpec,
  RunRecord,
  View,
} from '@berth/contracts';
import type { LedgerPort, RendezvousPort } from '../ports.ts';
import type { Spool } from './spool.ts';

export interface SavedCheckpoint {
  readonly step: number;
  readonly manifestKey: string;
  /** From the first upload to the manifest. */
  readonly durationMs: number;
  /** For how long training stood still. */
  readonly stallMs: number;
}

/** A state that is being saved, or waits for that. */
export interface PendingSave {
  readonly step: number;
  /** When the first state was taken that the bucket still lacks, as `performance.now` tells it. */
  readonly sinceMs: number;
  /** On this machine's disk until the bucket takes it. */
  readonly spooledBytes: number;
  /** The step that is there, perhaps an earlier one; absent when none is. */
  readonly spooledStep?: number;
}

export interface CheckpointSaverOptions {
  readonly store: ObjectStore;
  readonly ledger: LedgerPort;
  readonly rendezvous: RendezvousPort;
  readonly layout: readonly ParameterSpec[];
  readonly memberId: string;
  readonly record: RunRecord;
  readonly model: ModelConfig;
  readonly datasetId: string;
  readonly exampleSetId: string;
  readonly numerics: Numerics;
  /** Told by the leader once the manifest is written. */
  readonly onSaved: (saved: SavedCheckpoint) => Promise<void>;
  /** The run as it is now; undefined while that is not known. */
  readonly currentRecord: () => Promise<RunRecord | undefined>;
  /** Told by the leader once retention has deleted a checkpoint. */
  readonly onDeleted: (step: number) => Promise<void>;
  /** Told by the leader that the members of the view hold other states than it does, so that nothing was saved. */
  readonly onDiverged: (view: View, error: BerthError) => void;
  /** Told of every save that was tried: what it failed with, undefined when it did not. */
  readonly onTried?: (error: BerthError | undefined) => void;
  /** Told whenever that changes; undefined when all is saved. */
  readonly onPending?: (pending: PendingSave | undefined) => void;
  /** Where a state is kept that the bucket does not take. @defaultValue in memory only */
  readonly spool?: Spool | undefined;
  /** How long a save may take before its state is kept there. @defaultValue 10000 */
  readonly spoolAfterMs?: number;
  readonly logger: Logger;
}
