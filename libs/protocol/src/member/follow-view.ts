import type { AlignedBlock } from '@berth/contracts';
import type { CommitTimes } from '../ledger/vote.ts';
import type { Answers } from './member-events.ts';
import { part, sayWhetherLast } from './leaving.ts';
import type { MemberRules } from './member-rules.ts';
import { save, saveBeforeLeaving } from './save.ts';
import { settle } from './settle-view.ts';
import {
  ask,
  changeWeights,
  leads,
  viewFailure,
  ViewFailure,
  type ViewContext,
  type ViewScript,
} from './view-script.ts';
import { vote } from './vote.ts';

/**
 * A member's way through one view, in order. Nothing here waits: each ask is carried out by a shell and comes back as its
 * answer. What is thrown ends the view; a newer view or a lost peer ends it at whichever ask it stands (member-protocol.ts).
 */
export function* followView(context: ViewContext): ViewScript {
  const { view } = context;
  yield* ask({ kind: 'join', view }, `joining view ${view.version}: ${view.reason}`);
  let isCopied = yield* settle(context);
  if (view.savesFirst === true && !isAtTheEnd(context)) yield* save(context);
  while (!isAtTheEnd(context)) {
    // Whoever left before those who copy from it have done so might take with it what nobody else has.
    const parting = isCopied ? 'stay' : yield* part(context);
    if (parting === 'save') yield* saveBeforeLeaving(context);
    if (parting !== 'stay') return;
    // Also at the beginning: whoever led the view before may have died over it, and no later view stands here again.
    yield* evaluateIfDue(context);
    const times = yield* trainStep(context);
    isCopied = false;
    if (!isAtTheEnd(context)) yield* saveIfDue(context, times);
  }
  yield* finish(context);
}

/** One step: what all members have voted for, and nothing else, is applied to the weights. */
function* trainStep(context: ViewContext): ViewScript<CommitTimes> {
  const { me, view, rules, tell } = context;
  const step = me.appliedStep;

  const isLast = step + 1 >= rules.numSteps;
  const { from, to, numExamples } = yield* ask(
    { kind: 'readExamples', step, cursor: me.cursor, isLast },
    `step ${step} begins`,
  );

  // The gradient of a step that may have been committed gives way to this one's.
  me.pending = undefined;
  const isLone = view.members.length === 1;
  yield* ask(
    { kind: 'compute', step, blocks: blocksOf(context), isLone },
    `computing step ${step}`,
  );

  const reduced = yield* reduce(context, step);

  // From here on the step may be committed without us knowing.
  const facts = { step, from, to, numExamples, gradientDigest: reduced.digest };
  me.pending = facts;
  yield* sayWhetherLast(context, step);
  const verdict = yield* vote(context, facts, reduced);

  const reason = `step ${step} is ${verdict.kind}`;
  yield* changeWeights(context, { kind: 'apply', step }, step + 1, reason);

  me.cursor = to;
  if (leads(context)) tell({ kind: 'report', step, sums: reduced.sums });
  return verdict;
}

/** The virtual ranks that are ours in this view. */
function blocksOf({ view, rules }: ViewContext): readonly AlignedBlock[] {
  return view.members.find(({ memberId }) => memberId === rules.memberId)?.blocks ?? [];
}

/** Sums the gradients of all virtual ranks with everyone's, in canonical order. */
function* reduce({ view }: ViewContext, step: number): ViewScript<Answers['reduce']> {
  try {
    return yield* ask({ kind: 'reduce', step }, `reducing step ${step}`);
  } catch (failure) {
    if (!(failure instanceof ViewFailure)) throw failure;
    const { code, message, details } = failure.error;
    if (code !== 'NUMERICS_NOT_FINITE' || view.members.length === 1) throw failure;
    // It may come of a damaged state: the first time it costs an attempt, before which states are compared.
    throw viewFailure('COLLECTIVE_PROTOCOL', message, { ...details, divergence: 'finite', step });
  }
}

/** A view to save ends where the ledger stood, so that what is saved is all that was committed. */
function isAtTheEnd({ me, view, rules }: ViewContext): boolean {
  return me.appliedStep >= (view.mode === 'save' ? view.fromStep : rules.numSteps);
}

/** What is left to do when no step of the view is. */
function* finish(context: ViewContext): ViewScript {
  const { me, rules } = context;
  // A run that is to rest does so once it is saved; one that is done waits for the evaluation.
  const isDone = me.appliedStep >= rules.numSteps;
  if (!isDone) yield* evaluateIfDue(context);
  yield* save(context);
  if (isDone) yield* evaluateIfDue(context);
  yield* ask({ kind: 'finishSaves' }, 'waiting until all is saved');
}

function* saveIfDue(context: ViewContext, times: CommitTimes): ViewScript {
  const { appliedStep } = context.me;
  const { checkpointEverySteps, milestones } = context.rules;
  const isDue = appliedStep % checkpointEverySteps === 0 || milestones.includes(appliedStep);
  if (isDue || isTimeToSave(context.rules, times)) yield* save(context);
}

/** Whether a step is the first of another interval: all members find the same, as they go by the ledger's clock. */
export function isTimeToSave(
  { checkpointEveryMs }: Pick<MemberRules, 'checkpointEveryMs'>,
  { beforeAtMs, committedAtMs }: CommitTimes,
): boolean {
  if (checkpointEveryMs === 0 || beforeAtMs === 0) return false;
  const intervalOf = (timeMs: number): number => Math.floor(timeMs / checkpointEveryMs);
  return intervalOf(committedAtMs) > intervalOf(beforeAtMs);
}

function* evaluateIfDue(context: ViewContext): ViewScript {
  const { appliedStep: step } = context.me;
  const { evalEverySteps, numSteps } = context.rules;
  const isDue = step >= numSteps || (evalEverySteps > 0 && step % evalEverySteps === 0);
  if (isDue && leads(context)) yield* ask({ kind: 'evaluate', step }, `evaluating step ${step}`);
}
