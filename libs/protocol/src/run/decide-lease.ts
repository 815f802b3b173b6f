/** What a request for the lease was answered. */
export type LeaseAnswer =
  | {
      readonly held: true;
      readonly fencingEpoch: number;
      /** The epoch with which this life of Redis began: what stands under an older one may be less than there was. */
      readonly serverEpoch: number;
      /** Whether what this life of Redis lacked was put back. */
      readonly isRestored: boolean;
    }
  | {
      readonly held: false;
      readonly fencingEpoch: number;
      readonly holderId: string;
      readonly remainingMs: number;
    };

/** What a holder believes; `epoch` is undefined while it does not hold the lease. */
export interface Holding {
  readonly epoch: number | undefined;
  /** When the last successful renewal was sent. */
  readonly renewedMs: number;
}

export interface LeaseDecision {
  readonly holding: Holding;
  readonly event: 'none' | 'acquired' | 'lost';
  readonly reason: string;
}

/**
 * Decides what an answer, or its absence, means for a holder. Counted from when the request was sent, so a holder
 * always gives up before Redis can give the lease to another.
 */
export function decideLease(
  holding: Holding,
  answer: LeaseAnswer | 'unreachable',
  {
    sentMs,
    nowMs,
    ttlMs,
  }: { readonly sentMs: number; readonly nowMs: number; readonly ttlMs: number },
): LeaseDecision {
  const lost = { epoch: undefined, renewedMs: holding.renewedMs };
  if (answer === 'unreachable') {
    const expired = holding.epoch !== undefined && nowMs - holding.renewedMs >= ttlMs;
    return expired
      ? {
          holding: lost,
          event: 'lost',
          reason: `not renewed for ${ttlMs} ms: Redis is unreachable`,
        }
      : { holding, event: 'none', reason: 'Redis is unreachable' };
  }
  if (!answer.held) {
    const reason = `held by ${answer.holderId} in epoch ${answer.fencingEpoch}`;
    return { holding: lost, event: holding.epoch === undefined ? 'none' : 'lost', reason };
  }
  const renewed = { epoch: answer.fencingEpoch, renewedMs: sentMs };
  if (holding.epoch === answer.fencingEpoch)
    return { holding: renewed, event: 'none', reason: `renewed in epoch ${answer.fencingEpoch}` };
  return { holding: renewed, event: 'acquired', reason: `acquired epoch ${answer.fencingEpoch}` };
}
