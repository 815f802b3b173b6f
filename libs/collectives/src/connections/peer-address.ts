import type { View } from '@berth/contracts';
import type { Endpoint } from './byte-source.ts';

/** Where a member is reached. */
export interface PeerAddress extends Endpoint {
  readonly memberId: string;
  /** False for one that others cannot dial, as behind a NAT. @defaultValue true */
  readonly isReachable?: false | undefined;
}

/** Whether it can be dialled. */
export type Reach = Pick<PeerAddress, 'isReachable'>;

/**
 * How `from` gets a connection on which it is the dialler: it dials, or takes one that `to` has dialled and lent; where neither can be
 * dialled it has the view's relay join its connection to one that `to` has lent there. Pure: both sides find the same.
 */
export function wayTo(from: Reach, to: Reach): 'dial' | 'lent' | 'relayed' {
  if (to.isReachable !== false) return 'dial';
  return from.isReachable === false ? 'relayed' : 'lent';
}

/** To whom a member of a view lends connections: who has no other way to it, and the relay for those that it cannot dial either. */
export function lendsTo(view: Pick<View, 'members' | 'relay'>, memberId: string): PeerAddress[] {
  const self = view.members.find((member) => member.memberId === memberId);
  if (self?.isReachable !== false) return [];
  const others = view.members.filter((member) => member !== self);
  const isRelayed = others.some((member) => wayTo(member, self) === 'relayed');
  return [
    ...others.filter((member) => wayTo(member, self) === 'lent'),
    ...(isRelayed && view.relay !== undefined ? [view.relay] : []),
  ];
}
