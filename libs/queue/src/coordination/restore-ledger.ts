import {
  BerthError,
  canonicalJson,
  genesisHead,
  type LedgerEntry,
  type StoredLedger,
} from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { globalKeys, runKeys } from '../connection/keys.ts';
import { LedgerChain } from '@berth/protocol';
import { parseEntry } from './parse-entry.ts';
import { restoreLedgerScript } from './lua/restore-ledger.ts';
import { staleEpoch } from './stale-epoch.ts';

/**
 * Puts stored entries back that Redis lacks, page by page, each checked before it is sent: the lease is kept meanwhile. What
 * is there already is proven by its last head, which covers all before it.
 */
export async function restoreLedger(
  connection: RedisConnection,
  runId: string,
  stored: StoredLedger,
  fencingEpoch: number,
): Promise<number> {
  const keys = runKeys(runId);
  const put = async (fromStep: number, head: string, page: readonly LedgerEntry[]) => {
    const reply = await connection.run(
      restoreLedgerScript,
      [globalKeys.lease, keys.view, keys.votes, keys.ledger],
      [fencingEpoch, fromStep, head, ...page.map(canonicalJson)],
    );
    return restoredSteps(runId, fencingEpoch, reply as [string, number]);
  };

  const numKnown = Math.min(
    await connection.call((client) => client.llen(keys.ledger)),
    stored.numSteps,
  );
  const hasAll = numKnown === stored.numSteps;
  let head = hasAll ? stored.head : await headAfter(connection, runId, numKnown);
  let numCommitted = await put(numKnown, head, []);
  if (hasAll) return numCommitted;
  const chain = new LedgerChain(numKnown, head);
  for await (const page of stored.entries(numKnown)) {
    const [first, last] = [page[0], page.at(-1)];
    if (first === undefined || last === undefined) continue;
    requireChain(runId, chain, page, numKnown);
    if (last.fencingEpoch > fencingEpoch)
      throw staleEpoch(`ledger of run ${runId}`, fencingEpoch, last.fencingEpoch);
    numCommitted = await put(first.step, head, page);
    head = last.head;
  }
  return numCommitted;
}

/** The head after a number of steps that Redis has. */
async function headAfter(
  connection: RedisConnection,
  runId: string,
  numSteps: number,
): Promise<string> {
  if (numSteps === 0) return genesisHead;
  const key = runKeys(runId).ledger;
  const text = await connection.call((client) => client.lindex(key, numSteps - 1));
  if (text === null) throw lostAgain(runId);
  return parseEntry(text).head;
}

function requireChain(
  runId: string,
  chain: LedgerChain,
  page: readonly LedgerEntry[],
  numKnown: number,
): void {
  for (const entry of page) {
    const [problem] = chain.add(entry);
    if (problem === undefined) continue;
    if (entry.step === numKnown && numKnown > 0) throw diverged(runId, numKnown - 1);
    throw new BerthError('LEDGER_INVALID', `run ${runId}: ${problem}`);
  }
}

function restoredSteps(runId: string, epoch: number, [kind, value]: [string, number]): number {
  switch (kind) {
    case 'restored':
      return value;
    case 'stale':
      throw staleEpoch(`ledger of run ${runId}`, epoch, value);
    case 'gap':
      throw lostAgain(runId);
    default:
      throw diverged(runId, value);
  }
}

function lostAgain(runId: string): BerthError {
  return new BerthError('LEDGER_BEHIND', `run ${runId}: Redis lost its ledger during the restore`);
}

function diverged(runId: string, step: number): BerthError {
  return new BerthError(
    'LEDGER_DIVERGED',
    `run ${runId}: step ${step} in Redis is not the checkpoint's; they belong to different runs`,
  );
}
