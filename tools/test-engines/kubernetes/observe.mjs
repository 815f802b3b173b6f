import { longestPause } from '../../test-compose/faults.mjs';
import { describeStatus, until } from './jobs.mjs';

/** Steps that must be committed after an event before the next one comes. */
const numQuietSteps = 5;

/**
 * What happened at one event.
 * @typedef {object} Row
 * @property {string} event
 * @property {number} fromStep
 * @property {number | undefined} pauseMs - the longest time without a committed step, from when it began; of events that the run goes on after
 * @property {readonly (number | undefined)[]} codes - by which pods ended
 * @property {string} status - of the Job, after it
 * @property {readonly string[]} problems - what is not as it must be
 */

/**
 * Watches a run and the Job of the same name.
 * @param {{ client: import('@berth/launch').CoordinatorClient, jobs: ReturnType<import('./jobs.mjs').jobsOf>, run: string,
 *   say: (line: string) => void }} options
 */
export function observer({ client, jobs, run, say }) {
  /** @type {Row[]} */
  const rows = [];
  const look = () => client.status(run);
  const podNames = async () => (await jobs.pods(run)).map(({ metadata }) => metadata.name);

  /** Waits for a view of so many members, none of which is of a pod that has gone. */
  const members = (count, gone = []) =>
    until(`${count} workers in the view`, async () => {
      const { view, run: record } = await look();
      if (record.status === 'failed') throw new Error(`the run failed: ${record.error?.message}`);
      const ids = view?.members.map(({ memberId }) => memberId) ?? [];
      return ids.length === count && !ids.some((id) => gone.some((pod) => id.startsWith(pod)));
    });

  /** Waits until the processes of pods have ended. */
  const ended = async (pods) => {
    await until(`the end of ${pods.join(', ')}`, async () =>
      pods.every((pod) => jobs.exitCode(pod) !== undefined),
    );
    return pods;
  };

  /** @returns {Promise<readonly string[]>} empty once the Job's status is as it must be, else why it is not */
  const statusProblems = (event, isSo) =>
    until(
      `${event}: the Job's status`,
      async () => isSo((await jobs.get(run)).status),
      60_000,
    ).then(
      () => [],
      (error) => [error.message],
    );

  /** When each step was committed, in Unix ms. */
  const commitTimes = async () =>
    (await client.metrics(run)).filter(({ kind }) => kind === 'step').map(({ timeMs }) => timeMs);

  /**
   * Does something to the Job and sees what comes of it.
   * @param {string} event
   * @param {() => Promise<readonly string[]>} act - returns the pods that ended by it
   * @param {{ isSo: (status: object) => boolean, codes?: readonly number[], isCode?: (code: number) => boolean, goesOn?: boolean }} wanted
   */
  const during = async (event, act, { isSo, codes: wanted, isCode, goesOn = true }) => {
    const fromStep = (await look()).step;
    const startedAtMs = Date.now();
    const pods = await act();
    const codes = pods.map((pod) => jobs.exitCode(pod));
    if (goesOn) {
      const { step } = await look();
      await until(
        `steps after "${event}"`,
        async () => (await look()).step >= step + numQuietSteps,
      );
    }
    const isRight = isCode ? codes.every(isCode) : String(codes) === String(wanted);
    const codeProblems = isRight ? [] : [`${event}: pods ended with ${codes.join(', ')}`];
    const problems = [...(await statusProblems(event, isSo)), ...codeProblems];
    const status = describeStatus((await jobs.get(run)).status);
    const pauseMs = goesOn ? longestPause(await commitTimes(), startedAtMs, Date.now()) : undefined;
    rows.push({ event, fromStep, pauseMs, codes, status, problems });
    say(`${event}: pods ended with ${codes.join(', ') || 'none'}; Job: ${status}`);
  };

  return { during, look, members, ended, podNames, rows };
}
