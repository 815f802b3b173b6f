import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LeaveOrder, Logger, WorkerEnd } from '@berth/contracts';
import type { Stopping } from '@berth/observability';
import type { Heartbeat, WorkerStatus } from '../telemetry/heartbeat.ts';

/** For leaving in Redis what the others need to know. */
const lastMs = 1_000;

/** How a worker ends that was told to leave. */
export function drained({ reason }: Stopping): WorkerEnd {
  return { kind: 'drained', reason: `it was told to leave: ${reason}` };
}

/** Says in the heartbeat why the worker leaves, as soon as it is told to. */
export function tellOfDrain(heartbeat: Heartbeat, stopping: Stopping): void {
  const tell = (): void => heartbeat.tell({ drain: { reason: stopping.reason ?? '' } });
  if (stopping.signal.aborted) tell();
  else stopping.signal.addEventListener('abort', tell, { once: true });
}

/** Says what nobody may hold any more after a worker that leaves at once. */
export function tellOfUnsaved({ runId, step }: WorkerStatus, logger: Logger): void {
  if (runId === null || step <= 0) return;
  logger.warn(
    'Leaves at once, with what is not saved: where nobody else holds it, the steps since the newest checkpoint are done again, to the same bits',
    { runId, step },
  );
}

/** Does as a person has ordered, however often that is heard; what ordered it first stays the reason. */
export function obey(stopping: Stopping, order: LeaveOrder | undefined): void {
  if (order !== undefined) stopping.stop(order.reason, order.withinMs);
}

/** Resolves once the signal has aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Ends in order what the worker has, or leaves it as it is soon after nothing may be waited for any more. */
export async function endNow(
  { atOnce }: Pick<Stopping, 'atOnce'>,
  inOrder: () => Promise<void>,
): Promise<void> {
  const late = aborted(atOnce).then(() => sleep(lastMs, undefined, { ref: false }));
  await Promise.race([inOrder(), late]);
}
