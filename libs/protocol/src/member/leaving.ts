import type { View } from '@berth/contracts';
import { ask, ViewFailure, type ViewContext, type ViewScript } from './view-script.ts';

/** What a member does between two steps: it goes on, or leaves; the last ones save first what nobody would have after them. */
export type Parting = 'stay' | 'leave' | 'save';

/**
 * Decides for a member that is to leave. Whoever leaves with a step has said so before it voted for it, so at the end of that step all
 * find the same.
 * @param lastSteps - by member of the view that has said that it leaves: how many steps it has then done at most
 */
function decideParting(
  lastSteps: ReadonlyMap<string, number>,
  members: readonly string[],
  appliedStep: number,
): Parting {
  if (!members.every((member) => lastSteps.has(member))) return 'leave';
  return Math.max(...lastSteps.values()) <= appliedStep ? 'save' : 'stay';
}

/** Says before a vote that the step is our last, if it is. */
export function* sayWhetherLast(context: ViewContext, step: number): ViewScript {
  const { me, view } = context;
  if (me.isLeaving && view.members.length > 1) yield* unlessAway(sayLast(context, step + 1));
}

/** Looks between two steps whether to leave, and whether the others do. Without Redis nobody hears of the others. */
export function* part(context: ViewContext): ViewScript<Parting> {
  const { me, view } = context;
  if (!me.isLeaving) return 'stay';
  const members = view.members.map(({ memberId }) => memberId);
  if (members.length === 1) return 'save';
  return (yield* unlessAway(hearOthers(context, members))) ?? 'leave';
}

/** Who has not said so before speaks too late for the step just done. */
function* hearOthers(context: ViewContext, members: readonly string[]): ViewScript<Parting> {
  const { appliedStep } = context.me;
  yield* sayLast(context, appliedStep + 1);
  const key = leavingKey(context.view);
  const values = yield* ask({ kind: 'readValues', key }, 'hearing who else leaves');
  const lastSteps = new Map([...values].map(([member, value]) => [member, Number(value)]));
  return decideParting(lastSteps, members, appliedStep);
}

/** The first word counts. */
function* sayLast({ view }: ViewContext, lastStep: number): ViewScript {
  const value = String(lastStep);
  const reason = `leaving with step ${lastStep} at the latest`;
  yield* ask({ kind: 'postValue', key: leavingKey(view), value }, reason);
}

function* unlessAway<T>(script: ViewScript<T>): ViewScript<T | undefined> {
  try {
    return yield* script;
  } catch (failure) {
    const isAway = failure instanceof ViewFailure && failure.error.code === 'QUEUE_UNREACHABLE';
    if (!isAway) throw failure;
    return undefined;
  }
}

/** Key under which the members of a view say how many steps they have done when they leave. */
function leavingKey({ fencingEpoch, version }: View): string {
  return `leaving-${fencingEpoch}-${version}`;
}
