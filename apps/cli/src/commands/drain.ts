import { BerthError } from '@berth/contracts';
import { requireCoordinator } from '../cluster-access.ts';
import type { Context } from '../context.ts';

export interface DrainOptions {
  /** Seconds until it is gone; its own grace period when left out. */
  readonly within?: number;
  readonly json: boolean;
}

/**
 * `berth drain`: tells a worker to leave, as a signal would; asked again, the same.
 * @throws BerthError `WORKER_NOT_FOUND`
 */
export async function drain(
  context: Context,
  worker: string,
  { within, json }: DrainOptions,
): Promise<void> {
  const client = requireCoordinator(context);
  const workers = await client.workers();
  const ids = workers.map(({ memberId }) => memberId);
  const request = within === undefined ? {} : { withinMs: 1_000 * within };
  const report = await client.drain(chooseWorker(ids, worker), request);
  context.print(json ? JSON.stringify(report) : `${report.memberId}: ${report.reason}`);
}

/** One by its id, or by the beginning of it where no other begins so. @throws BerthError `WORKER_NOT_FOUND` */
function chooseWorker(ids: readonly string[], text: string): string {
  if (ids.includes(text)) return text;
  const begun = ids.filter((id) => id.startsWith(text));
  const [only] = begun;
  if (begun.length === 1 && only !== undefined) return only;
  const [what, which] =
    begun.length > 1 ? ['Several workers begin', begun] : ['No worker begins', ids];
  const named = which.length === 0 ? 'none lives' : which.join(', ');
  throw new BerthError('WORKER_NOT_FOUND', `${what} with "${text}": ${named}`);
}
