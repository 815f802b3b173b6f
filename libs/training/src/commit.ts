import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  isBerthError,
  type StepFacts,
  type StepSums,
  type View,
} from '@berth/contracts';
import type { LedgerPort, Verdict } from './ports.ts';

export interface CommitOptions {
  readonly timeoutMs: number;
  /** Between two looks at the ledger. @defaultValue 5, doubling to 50 */
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Votes for a step until every member of the view has and the ledger holds it (voting twice is harmless), also over an
 * outage of the ledger.
 * @returns the ledger head after the step, and whether this is a replay of a step committed before
 * @throws BerthError `WORKER_FENCED` when a newer view has replaced ours, `LEDGER_DIVERGED` when another result stands,
 * `LEDGER_BEHIND` when the ledger has lost steps, `COLLECTIVE_TIMEOUT` when the others did not vote in time,
 * `QUEUE_UNREACHABLE` when the ledger did not come back in time
 */
export async function commitStep(
  ledger: LedgerPort,
  view: View,
  memberId: string,
  facts: StepFacts,
  sums: StepSums,
  options: CommitOptions,
): Promise<{ head: string; replayed: boolean }> {
  const deadlineMs = performance.now() + options.timeoutMs;
  let pollMs = options.pollMs ?? 5;
  for (;;) {
    options.signal?.throwIfAborted();
    const verdict = await ledger
      .vote(view, memberId, facts, sums)
      .catch((error: unknown): Verdict => {
        const passes = isBerthError(error) && error.code === 'QUEUE_UNREACHABLE';
        if (!passes || performance.now() > deadlineMs) throw error;
        return { kind: 'waiting' };
      });
    switch (verdict.kind) {
      case 'committed':
      case 'replayed':
        return { head: verdict.head, replayed: verdict.kind === 'replayed' };
      case 'stale':
        throw new BerthError(
          'WORKER_FENCED',
          `Step ${facts.step}: view ${view.version} of epoch ${view.fencingEpoch} has been replaced`,
        );
      case 'ahead':
        throw new BerthError('LEDGER_BEHIND', verdict.reason);
      case 'diverged':
        throw new BerthError('LEDGER_DIVERGED', verdict.reason);
      case 'waiting':
        break;
    }
    if (performance.now() > deadlineMs)
      throw new BerthError(
        'COLLECTIVE_TIMEOUT',
        `Step ${facts.step}, vote: not all of ${view.members.map((m) => m.memberId).join(', ')} ` +
          `voted within ${options.timeoutMs} ms`,
      );
    await sleep(pollMs);
    pollMs = Math.min(50, pollMs * 2);
  }
}
