import {
  BerthError,
  type ExtensionReport,
  type ExtensionRequest,
  type RunRecord,
} from '@berth/contracts';
import type { ControlSnapshot } from './control-snapshot.ts';
import type { ControlDecision } from './control-decision.ts';
import { decideExtension } from './decide-extension.ts';
import { restsAt } from './resume.ts';
import { goesBackText, refusalText } from './texts.ts';

/** What more steps would make of a run, in the words in which they are refused, or in which it goes back. */
export function extensionReport(
  nowMs: number,
  record: RunRecord,
  snapshot: ControlSnapshot,
  request: ExtensionRequest,
): ExtensionReport {
  const { runId } = record;
  const decision = tried(() => decideExtension(nowMs, record, snapshot, request));
  if (decision instanceof BerthError) return { isPossible: false, reason: decision.message };
  if (decision.kind !== 'change') {
    const reason = refusalText('extend', runId, decision.reason);
    const fork = decision.kind === 'refuse' ? decision.fork : undefined;
    return { isPossible: false, reason, ...(fork !== undefined && { fork }) };
  }
  const from = restsAt(record, snapshot);
  const to = decision.change.attempts?.at(-1)?.fromStep ?? from;
  const reason = to < from ? goesBackText(from, to, request.numSteps) : decision.reason;
  return { isPossible: true, reason };
}

function tried(decide: () => ControlDecision): ControlDecision | BerthError {
  try {
    return decide();
  } catch (error) {
    if (error instanceof BerthError && error.code === 'CONFIG_INVALID') return error;
    throw error;
  }
}
