import { BerthError, type DrainReport, type DrainRequest } from '@berth/contracts';
import type { Members } from '@berth/queue';

/** As the worker says of itself from then on. */
const reason = 'a person asked for it';

/**
 * Tells a worker to leave as a signal does; asked again, the sooner end counts.
 * @throws BerthError `WORKER_NOT_FOUND`
 */
export async function drainWorker(
  members: Pick<Members, 'order'>,
  memberId: string,
  { withinMs }: DrainRequest,
): Promise<DrainReport> {
  const order = { reason, ...(withinMs !== undefined && { withinMs }) };
  if (!(await members.order(memberId, order)))
    throw new BerthError(
      'WORKER_NOT_FOUND',
      `No worker "${memberId}" lives; \`berth status RUN\` and the page name those of a run`,
    );
  const time = withinMs === undefined ? 'its grace period' : `${withinMs / 1_000} s`;
  return { memberId, reason: `told to leave: after the step under way, within ${time}` };
}
