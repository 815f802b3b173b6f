import type { KeyObject } from 'node:crypto';
import type {
  AlignedBlock,
  BerthError,
  GradientVector,
  Logger,
  ReadyMark,
  View,
} from '@berth/contracts';
import type { LentSockets } from './connections/lent-sockets.ts';
import type { VectorShape } from './reduce/plan.ts';
import type { ReduceMemory } from './reduce/reduce-memory.ts';

/** The sum over one block of virtual ranks. */
export interface BlockVector {
  readonly block: AlignedBlock;
  readonly data: GradientVector;
}

export interface ReduceRequest {
  readonly step: number;
  /** One per block that the view assigns to this member, in its order. Left out if they lie in `vectors` already. */
  readonly contributions?: readonly BlockVector[];
  /** What of them is there, where they lie in `vectors` and the last is still computed. Left out when all is. */
  readonly ready?: ReadyMark;
  /** From when this member's part is there. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface ReduceResult {
  /**
   * Sum over all virtual ranks, in shared memory of the peer node: valid until something is put into `vectors` of any
   * of its sessions, which `allReduce` does with contributions; also after the session is closed.
   */
  readonly reduced: GradientVector;
  /** Of `reduced`; see `vectorDigest`. */
  readonly digest: string;
}

/** This member's connections with all others of one view. Used up by the first failure: go on with a new view. */
export interface ViewSession {
  readonly view: View;
  /** Memory for the contribution of each block of this member; an all-reduce uses what is there up. */
  readonly vectors: readonly GradientVector[];
  /**
   * Sums a vector over all virtual ranks; all members call it for the same steps, in order.
   * The bits depend on the ranks' vectors only, not on the members.
   * @throws BerthError `COLLECTIVE_PEER_LOST` at once when a connection breaks, `COLLECTIVE_TIMEOUT` naming who is
   * missing and in which phase, `COLLECTIVE_ABORTED` on `signal` or `close`, `COLLECTIVE_PROTOCOL` on frames or
   * arguments that do not fit the view
   */
  allReduce(request: ReduceRequest): Promise<ReduceResult>;
  /** Tells the peers and closes the connections. */
  close(): void;
}

export interface SessionOptions {
  readonly view: View;
  readonly memberId: string;
  readonly key: KeyObject;
  readonly lent: LentSockets;
  readonly memory: ReduceMemory;
  readonly logger: Logger;
  readonly shape: VectorShape;
  readonly onPeerLost: (memberId: string, error: BerthError) => void;
}
