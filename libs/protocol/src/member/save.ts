import type { ErrorCode } from '@berth/contracts';
import { viewName } from '../ledger/view-id.ts';
import { isOutage } from './spooled-state.ts';
import { ask, leads, ViewFailure, type ViewContext, type ViewScript } from './view-script.ts';

/** Gives the state of the step that we stand at to be saved, beside training. */
export function* save(context: ViewContext): ViewScript {
  const { me, view } = context;
  const { appliedStep: step, cursor } = me;
  yield* ask({ kind: 'save', view, cursor }, `saving step ${step}`);
  me.saved = { step, ...(!leads(context) && { forLeaderOf: viewName(view) }) };
}

const tryAgainMs = 1_000;

/**
 * Nobody has after us what we have: it is saved now, unless it is. Over an outage it is tried again, until whoever has told us to leave
 * waits no longer. What else that fails with is told, and then we leave all the same.
 */
export function* saveBeforeLeaving(context: ViewContext): ViewScript {
  const { me } = context;
  if (me.appliedStep <= 0) return;
  // Perhaps in a view before, of whose members one has died over it.
  if (isGivenToBeSaved(context) && (yield* whyUnsaved(context)) === undefined) return;
  for (;;) {
    yield* save(context);
    const failure = yield* whyUnsaved(context);
    // Whoever leads does our part as well, if it has to.
    if (failure === undefined || !leads(context)) return;
    const { error } = failure;
    // Nothing from somebody, without whom another view begins.
    if (error.code === 'COLLECTIVE_TIMEOUT') throw failure;
    if (!isOutage(error.code)) {
      context.tell({ kind: 'unsaved', step: me.appliedStep, error });
      return;
    }
    yield* ask({ kind: 'wait', ms: tryAgainMs }, `step ${me.appliedStep} is not saved yet`);
  }
}

/** Whether the checkpoint of our step is there, or comes of what we have given, and whoever has to complete it has not left. */
function isGivenToBeSaved({ me: { saved, appliedStep }, view }: ViewContext): boolean {
  if (saved?.step !== appliedStep) return false;
  return saved.forLeaderOf === undefined || saved.forLeaderOf === viewName(view);
}

/** A newer view has come, or there is nothing worth saving. */
const endsView: ReadonlySet<ErrorCode> = new Set(['COLLECTIVE_ABORTED', 'STATE_DIVERGED']);

/** Waits until all is saved. @returns why it is not */
function* whyUnsaved({ me }: ViewContext): ViewScript<ViewFailure | undefined> {
  try {
    yield* ask({ kind: 'finishSaves' }, 'waiting until all is saved, to leave');
    return undefined;
  } catch (failure) {
    if (!(failure instanceof ViewFailure) || endsView.has(failure.error.code)) throw failure;
    me.saved = undefined;
    return failure;
  }
}
