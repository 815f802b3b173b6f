import type { Endpoint } from './byte-source.ts';

/** Where a member is reached. */
export interface PeerAddress extends Endpoint {
  readonly memberId: string;
}
