import type { ErrorCode, View, WireError } from '@berth/contracts';
import type { Answers, Ask, Tell } from './member-events.ts';
import type { MemberRules } from './member-rules.ts';
import type { Memory } from './memory.ts';
import { wireError } from './wire-error.ts';

/** What is asked of the shell, and why. */
export interface Asked {
  readonly ask: Ask;
  readonly reason: string;
}

/** A part of a member's way through a view: each `yield` is an ask, which comes back answered or throws a ViewFailure. */
export type ViewScript<T = void> = Generator<Asked, T, unknown>;

/** What the parts of the way through one view have in common. */
export interface ViewContext {
  readonly me: Memory;
  readonly view: View;
  readonly rules: MemberRules;
  readonly nowMs: () => number;
  readonly tell: (tell: Tell) => void;
}

/** Ends the view: it cannot go on. */
export class ViewFailure extends Error {
  override readonly name = 'ViewFailure';
  readonly error: WireError;

  constructor(error: WireError) {
    super(error.message);
    this.error = error;
  }
}

export function viewFailure(
  code: ErrorCode,
  message: string,
  details?: WireError['details'],
): ViewFailure {
  return new ViewFailure(wireError(code, message, details));
}

/**
 * Has the shell do something.
 * @throws ViewFailure when that fails
 */
export function* ask<K extends Ask['kind']>(
  request: Ask & { readonly kind: K },
  reason: string,
): ViewScript<Answers[K]> {
  return (yield { ask: request, reason }) as Answers[K];
}

/** The weights have come to stand at a step, by whatever way; -1: they are no step's. */
function standAt({ me, tell }: Pick<ViewContext, 'me' | 'tell'>, step: number): void {
  me.appliedStep = step;
  me.pending = undefined;
  tell({ kind: 'appliedStep', step });
}

/** There are no weights worth keeping any more. */
export function standNowhere(context: Pick<ViewContext, 'me' | 'tell'>): void {
  standAt(context, -1);
  context.me.agreedStep = -1;
  context.me.divergence = undefined;
}

/** Has the weights changed to those of a step. Cut short half-way, the engine has no step's weights. */
export function* changeWeights(
  context: ViewContext,
  request: Extract<Ask, { kind: 'apply' | 'load' | 'initialize' }>,
  step: number,
  reason: string,
): ViewScript {
  try {
    yield* ask(request, reason);
  } catch (error) {
    standAt(context, -1);
    throw error;
  }
  standAt(context, step);
}

/** The first member of a view writes manifests, evaluates and reports. */
export function leads({ view, rules }: ViewContext): boolean {
  return view.members[0]?.memberId === rules.memberId;
}
