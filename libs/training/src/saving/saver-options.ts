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

export interface SavedCheckpoint {
  readonly step: number;
  readonly manifestKey: string;
  /** From the first upload to the manifest. */
  readonly durationMs: number;
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
  readonly logger: Logger;
}
