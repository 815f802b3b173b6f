import type { ViewMember } from '@berth/contracts';
import { agreedStepOf, stateDiverged } from './divergence.ts';
import { Patience } from './patience.ts';
import {
  holdingValue,
  parseHolding,
  planSettle,
  restoreKey,
  settleKey,
  type Holding,
  type SettlePlan,
} from './settle.ts';
import {
  ask,
  changeWeights,
  standNowhere,
  viewFailure,
  ViewFailure,
  type ViewContext,
  type ViewScript,
} from './view-script.ts';

/**
 * Brings all members of a view to the same step: when this ends, ours is everyone's, and the cursor stands where it ended.
 * @returns whether others copy ours; they have it once a step is committed with them
 */
export function* settle(context: ViewContext): ViewScript<boolean> {
  const { me, view } = context;
  dropDamage(context);
  yield* applyPending(context);
  const plan = planSettle(yield* compareStates(context), view.fromStep);
  const { step } = plan;
  if (plan.kind === 'diverged') {
    const { digests, agreedStep } = plan;
    throw new ViewFailure(stateDiverged(step, 'the state', digests, { agreedStep }));
  }
  const donors = view.members.filter(({ memberId }) => plan.donors.includes(memberId));
  // One that was stored late may spare us steps that are done again.
  const checkpoint = step < view.fromStep ? yield* agreeOnCheckpoint(context, step + 1) : undefined;
  let isCopied = false;
  if (checkpoint !== undefined) yield* restore(context, checkpoint);
  else if (step < 0) yield* initialize(context);
  else if (step === me.appliedStep) isCopied = yield* donate(context, donors);
  else yield* copy(context, plan, donors);
  me.agreedStep = me.appliedStep;
  yield* findCursor(context);
  return isCopied;
}

/** What was made with damaged weights is in the ledger, unless the run has gone back since. */
function dropDamage(context: ViewContext): void {
  const { divergence } = context.me;
  if (divergence === undefined) return;
  if (context.view.fromStep > agreedStepOf(divergence)) throw new ViewFailure(divergence);
  standNowhere(context);
}

/** A step that we reduced last may have been committed without us knowing: with our result, we have only to apply it. */
function* applyPending(context: ViewContext): ViewScript {
  const { pending } = context.me;
  if (pending === undefined) return;
  const { step, gradientDigest } = pending;
  const entry = yield* ask({ kind: 'readEntry', step }, `was step ${step} committed?`);
  if (entry?.gradientDigest !== gradientDigest) return;
  yield* changeWeights(context, { kind: 'apply', step }, step + 1, `step ${step} was committed`);
}

/** Tells the others which state we have, and hears theirs. */
function* compareStates(context: ViewContext): ViewScript<ReadonlyMap<string, Holding>> {
  const { me, view, rules } = context;
  const { appliedStep: step, agreedStep } = me;
  const isCompared = step >= 0 && view.members.length > 1;
  const digest = isCompared ? yield* ask({ kind: 'digestState' }, `what is step ${step}?`) : '';
  const patience = new Patience(context, rules.settleTimeoutMs);
  const key = settleKey(view);
  const value = holdingValue({ step, digest, agreedStep });
  yield* ask({ kind: 'postValue', key, value }, `we hold step ${step}`);
  const members = view.members.map(({ memberId }) => memberId);
  const values = yield* gather(context, { key, members, subject: 'applied steps', patience });
  return new Map(members.map((member) => [member, parseHolding(values.get(member))]));
}

interface Gathering {
  readonly key: string;
  readonly members: readonly string[];
  /** What they speak of. */
  readonly subject: string;
  readonly patience: Patience;
}

/** Waits until everyone has spoken under a key. */
function* gather(
  { rules }: ViewContext,
  { key, members, subject, patience }: Gathering,
): ViewScript<ReadonlyMap<string, string>> {
  for (;;) {
    const values = yield* ask({ kind: 'readValues', key }, `hearing of ${subject}`);
    const missing = members.filter((member) => !values.has(member));
    if (missing.length === 0) return values;
    const names = missing.join(', ');
    if (patience.isOver) {
      const message = `${key}: nothing from ${names} within ${rules.settleTimeoutMs} ms`;
      throw viewFailure('COLLECTIVE_TIMEOUT', message, { missing: missing.join(',') });
    }
    yield* patience.pause(`nothing from ${names} yet`);
  }
}

/** Who lacks what we have copies it while we train on, so we put a copy aside. */
function* donate({ me, view }: ViewContext, donors: readonly ViewMember[]): ViewScript<boolean> {
  const { appliedStep: step } = me;
  const numLacking = view.members.length - donors.length;
  if (numLacking === 0) return false;
  yield* ask({ kind: 'snapshot', view, step }, `${numLacking} members lack step ${step}`);
  return true;
}

function* copy(
  context: ViewContext,
  plan: Extract<SettlePlan, { kind: 'newest' }>,
  donors: readonly ViewMember[],
): ViewScript {
  const { step, digest } = plan;
  const request = { kind: 'fetchState', view: context.view, step, donors } as const;
  yield* ask(request, `copying step ${step} from ${plan.donors.join(', ')}`);
  yield* load(context, step, digest);
}

function* initialize(context: ViewContext): ViewScript {
  const request = { kind: 'initialize', seed: context.rules.seed } as const;
  yield* changeWeights(context, request, 0, 'initialising the weights from the seed');
}

function* restore(context: ViewContext, step: number): ViewScript {
  yield* ask({ kind: 'fetchCheckpoint', step }, `restoring checkpoint ${step}`);
  yield* load(context, step);
  context.me.saved = { step };
}

/** Says instead of a step: there is no checkpoint. Where nobody holds anything, all begin from the seed. */
const noneValue = 'init';

/**
 * One member finds the newest checkpoint that the ledger has steps for, and tells the others.
 * @param minStep - after all that members hold
 */
function* agreeOnCheckpoint(context: ViewContext, minStep: number): ViewScript<number | undefined> {
  const { view, rules } = context;
  const { fromStep: maxStep } = view;
  const [chooser = ''] = view.members.map(({ memberId }) => memberId).sort();
  const key = restoreKey(view);
  let choice: string | undefined;
  if (chooser === rules.memberId) {
    const request = { kind: 'findCheckpoint', minStep, maxStep } as const;
    const found = yield* ask(request, `nobody holds step ${maxStep}`);
    choice = found === undefined ? noneValue : String(found);
  }
  const patience = new Patience(context, rules.settleTimeoutMs);
  if (choice !== undefined)
    yield* ask({ kind: 'postValue', key, value: choice }, `the newest checkpoint is ${choice}`);
  const members = [chooser];
  const values = yield* gather(context, { key, members, subject: 'checkpoint', patience });
  const value = values.get(chooser) ?? noneValue;
  return value === noneValue ? undefined : Number(value);
}

/** What was fetched goes into the engine, which until then has what it had. */
function* load(context: ViewContext, step: number, digest = ''): ViewScript {
  const request = { kind: 'load', step, ...(digest !== '' && { digest }) } as const;
  yield* changeWeights(context, request, step, `loading step ${step}`);
}

/** The ledger says where in the examples the step that all have ends. */
function* findCursor({ me }: ViewContext): ViewScript {
  const { appliedStep: step } = me;
  if (step === 0) {
    me.cursor = { epoch: 0, index: 0 };
    return;
  }
  const entry = yield* ask({ kind: 'readEntry', step: step - 1 }, `settled at step ${step}`);
  if (entry === undefined)
    throw viewFailure('LEDGER_BEHIND', `The ledger has no step ${step - 1}, but the weights do`);
  me.cursor = entry.to;
}
