import { genesisHead, type LedgerEntry } from '@berth/contracts';
import { factsOf, sums } from '@berth/protocol/testing';
import type { LedgerPort, RendezvousPort } from '../ports.ts';

const cursor = { epoch: 0, index: 0 };

/** It ends where the run begins, so that this cursor fits every state. */
function entryOf(step: number): LedgerEntry {
  return {
    ...factsOf(step),
    from: cursor,
    to: cursor,
    sums,
    fencingEpoch: 1,
    viewVersion: 1,
    members: ['a'],
    committedAtMs: 1,
    head: genesisHead,
  };
}

const ledger: LedgerPort = {
  vote: () => Promise.reject(new Error('nobody votes here')),
  numCommitted: async () => 1_000_000,
  entry: async (step) => entryOf(step),
  entries: async (from, to) =>
    Array.from({ length: to - from }, (_, index) => entryOf(from + index)),
};

/** What those who save ask of Redis, in memory: a ledger with an entry for every step, and where they meet. */
export function madeUpCoordination(): { ledger: LedgerPort; rendezvous: RendezvousPort } {
  const values = new Map<string, Map<string, string>>();
  return {
    ledger,
    rendezvous: {
      async post(key, memberId, value) {
        const posted = values.get(key) ?? new Map<string, string>();
        if (!posted.has(memberId)) posted.set(memberId, value);
        values.set(key, posted);
      },
      read: async (key) => values.get(key) ?? new Map<string, string>(),
    },
  };
}
