import { parseRunConfig } from '@berth/contracts';
import { longestPause } from '../../test-compose/faults.mjs';
import { until } from '../kubernetes/jobs.mjs';
import { runFile, runName } from './run-file.mjs';

/** Steps that must be committed after each event before the next one comes. */
const numQuietSteps = 5;
/** What the run is given at last, to end by itself. */
const numLastSteps = 30;

/**
 * What starts and ends workers.
 * @typedef {object} Leg
 * @property {string} engine - as the ledger names it
 * @property {() => Promise<void>} start - some workers; returns without waiting for them
 * @property {(watch: Watch) => Promise<readonly string[]>} [disturb] - what this engine does to workers; returns what it did, for people
 * @property {() => Promise<string>} leave - tells all to leave, waits until they have, and says how they ended
 * @property {() => Promise<string>} ended - waits until all have ended by themselves, and says how
 * @property {() => Promise<void>} close - ends what is left
 */

/**
 * @typedef {object} Watch
 * @property {(what: string, isSo: (members: readonly { memberId: string, engine: string }[]) => boolean) => Promise<void>} members
 * waits for a view whose members are so
 * @property {() => Promise<void>} quiet - waits for some steps
 */

/**
 * Takes a run from engine to engine to its end. The next one's workers join before those of the one before are told to leave.
 * @param {{ client: import('@berth/launch').CoordinatorClient, root: string, legs: readonly Leg[], say: (line: string) => void }} options
 */
export async function travel({ client, root, legs, say }) {
  const config = (numSteps) => parseRunConfig(runFile(root, numSteps), 'test:engines');
  const look = async () => {
    const report = await client.status(runName);
    if (report.run.status === 'failed')
      throw new Error(`the run failed: ${report.run.error?.message}`);
    return report;
  };
  /** @type {Watch} */
  const watch = {
    members: (what, isSo) =>
      until(what, async () => {
        const { view } = await look();
        const members = view?.members ?? [];
        return (
          members.length > 0 &&
          isSo(members.map(({ memberId, engine = 'process' }) => ({ memberId, engine })))
        );
      }),
    async quiet() {
      const { step } = await look();
      await until('the next steps', async () => (await look()).step >= step + numQuietSteps);
    },
  };
  const commitTimes = async () =>
    (await client.metrics(runName))
      .filter(({ kind }) => kind === 'step')
      .map(({ timeMs }) => timeMs);

  await client.submit(config(), 'trained');
  const rows = [];
  let before;
  for (const leg of legs) {
    const { engine } = leg;
    const row = {
      engine,
      fromMs: Date.now(),
      toMs: 0,
      events: /** @type {readonly string[]} */ ([]),
      left: '',
    };
    await leg.start();
    await watch.members(`workers of ${engine}`, (members) =>
      members.some((one) => one.engine === engine),
    );
    if (before === undefined) {
      await until('the first step', async () => (await look()).step > 0);
      row.fromMs = (await commitTimes())[0];
    } else {
      // Whoever joins copies the weights of those who are there: without them it would go back to a checkpoint.
      await watch.quiet();
      before.row.left = await before.leg.leave();
      await watch.members(`workers of ${engine} alone`, (members) =>
        members.every((one) => one.engine === engine),
      );
    }
    await watch.quiet();
    say(`trains in ${engine}, at step ${(await look()).step}`);
    row.events = (await leg.disturb?.(watch)) ?? [];
    for (const event of row.events) say(`${engine}: ${event}`);
    await watch.quiet();
    row.toMs = Date.now();
    rows.push(row);
    before = { leg, row };
  }
  const times = await commitTimes();

  await client.control(runName, 'pause');
  await until('the pause', async () => (await look()).run.status === 'paused');
  const numSteps = (await look()).step + numLastSteps;
  await client.submit(config(numSteps), 'trained');
  await until('the end of the run', async () => (await look()).run.status === 'completed');
  before.row.left = await before.leg.ended();
  // A move belongs to the engine that it goes to.
  return {
    numSteps,
    rows: rows.map((row) => ({ ...row, pauseMs: longestPause(times, row.fromMs, row.toMs) })),
  };
}
