import { BerthError } from '@berth/contracts';

/** A coordinator was replaced and tried to write. */
export function staleEpoch(what: string, fencingEpoch: number, newest: number): BerthError {
  return new BerthError(
    'QUEUE_STALE_EPOCH',
    `${what}: epoch ${fencingEpoch} is over, epoch ${newest} has begun; take the lease again`,
    { details: { fencingEpoch, newest } },
  );
}
