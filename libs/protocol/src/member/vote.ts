import type { StepFacts } from '@berth/contracts';
import { votesDiverged } from './divergence.ts';
import type { CommitTimes, Verdict } from '../ledger/vote.ts';
import type { Answers } from './member-events.ts';
import { Patience } from './patience.ts';
import {
  ask,
  standNowhere,
  viewFailure,
  ViewFailure,
  type ViewContext,
  type ViewScript,
} from './view-script.ts';

/**
 * Votes for a step until all members have: voting again is harmless and tells how the vote stands.
 * @throws ViewFailure unless the ledger has the step as we have it
 */
export function* vote(
  context: ViewContext,
  facts: StepFacts,
  { sums, stateDigest }: Pick<Answers['reduce'], 'sums' | 'stateDigest'>,
): ViewScript<Extract<Verdict, CommitTimes>> {
  const { view, rules } = context;
  const { step } = facts;
  const patience = new Patience(context, rules.stepTimeoutMs);
  for (;;) {
    const request = { kind: 'vote', view, facts, sums, stateDigest } as const;
    const verdict = yield* overAnOutage(patience, ask(request, `voting for step ${step}`));
    switch (verdict?.kind) {
      case undefined:
        yield* patience.pause(`step ${step} waits for the ledger`);
        break;
      case 'waiting':
        if (patience.isOver) throw notAllVoted(context, step);
        yield* patience.pause(`step ${step} waits for other votes`);
        break;
      case 'committed':
      case 'replayed':
        return verdict;
      case 'stale':
        throw viewFailure(
          'WORKER_FENCED',
          `Step ${step}: view ${view.version} of epoch ${view.fencingEpoch} has been replaced`,
        );
      case 'ahead':
        throw viewFailure('LEDGER_BEHIND', verdict.reason);
      case 'contradicted':
        // What we have may be damaged, and in a replay votes are not compared with each other: all begin again with a checkpoint.
        // If that leads to the same, nothing can cure it, and the coordinator ends the run.
        standNowhere(context);
        throw viewFailure('COLLECTIVE_PROTOCOL', verdict.reason, { divergence: 'ledger', step });
      case 'diverged':
        throw new ViewFailure(votesDiverged(step, verdict.votes));
    }
  }
}

/** The verdict; undefined when the ledger cannot be reached, until the step's time is over. */
function* overAnOutage<T>(patience: Patience, script: ViewScript<T>): ViewScript<T | undefined> {
  try {
    return yield* script;
  } catch (error) {
    const isOutage = error instanceof ViewFailure && error.error.code === 'QUEUE_UNREACHABLE';
    if (!isOutage || patience.isOver) throw error;
    return undefined;
  }
}

function notAllVoted({ view, rules }: ViewContext, step: number): ViewFailure {
  const names = view.members.map(({ memberId }) => memberId).join(', ');
  return viewFailure(
    'COLLECTIVE_TIMEOUT',
    `Step ${step}, vote: not all of ${names} voted within ${rules.stepTimeoutMs} ms`,
  );
}
