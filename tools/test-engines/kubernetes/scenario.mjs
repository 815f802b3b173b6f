import { parseRunConfig } from '@berth/contracts';
import { observer } from './observe.mjs';
import { endOf, until } from './jobs.mjs';
import { runFile, runName } from './run-file.mjs';

/** What the run is given once it was stopped, to end by itself. */
const numLastSteps = 30;

const isRunning = (count) => (status) =>
  status.active === count && !status.failed && !status.succeeded;

/**
 * Trains under Jobs through everything that Kubernetes may do to their pods, to the end of the run.
 * @returns {Promise<{ rows: readonly import('./observe.mjs').Row[], numSteps: number, ledger: object }>}
 */
export async function disturbRun({ root, jobs, launcher, namespace, outside }, say) {
  const { client } = outside;
  const { during, look, members, ended, podNames, rows } = observer({
    client,
    jobs,
    run: runName,
    say,
  });
  const config = (numSteps) => parseRunConfig(runFile(root, numSteps), 'test:engines');
  const launch = (numWorkers) => launcher.apply(runFile(root), numWorkers, namespace);
  const remove = async () => {
    await jobs.remove(runName);
    await until(
      'nothing is left of the Job',
      async () => !(await jobs.isThere(runName)) && (await podNames()).length === 0,
    );
  };

  await client.submit(config(1_000_000), 'trained');
  await launch(1);
  await until('the first steps', async () => (await look()).step > 0);
  say('trains in one pod');

  const scale = async (count) => {
    await launch(count);
    await members(count);
    return [];
  };
  await during('parallelism 1 to 3', () => scale(3), { isSo: isRunning(3), codes: [] });

  const replaced = async (act) => {
    const [pod] = await until('three ready pods', async () => {
      const ready = await jobs.readyPods(runName);
      return ready.length === 3 && ready;
    });
    const { name } = pod.metadata;
    await act(name);
    await ended([name]);
    await members(3, [name]);
    return [name];
  };
  const drained = { isSo: isRunning(3), codes: [75] };
  await during('evict a pod', () => replaced(jobs.evict), drained);
  await during('delete a pod', () => replaced(jobs.deletePod), drained);

  const shrink = async () => {
    const before = await podNames();
    await scale(1);
    const [{ memberId }] = (await look()).view.members;
    return ended(before.filter((pod) => !memberId.startsWith(pod)));
  };
  await during('parallelism 3 to 1', shrink, { isSo: isRunning(1), codes: [75, 75] });

  const another = async () => {
    const pods = await podNames();
    await remove();
    await launch(2);
    await members(2, pods);
    return pods;
  };
  await during('delete the Job, make another', another, { isSo: isRunning(2), codes: [75] });

  const suspend = async () => {
    const pods = await podNames();
    await jobs.suspend(runName, true);
    await ended(pods);
    await until('no pod of the suspended Job', async () => (await podNames()).length === 0);
    await jobs.suspend(runName, false);
    await members(2, pods);
    return pods;
  };
  await during('suspend the Job, resume it', suspend, { isSo: isRunning(2), codes: [75, 75] });

  const stop = async () => {
    const pods = await podNames();
    await client.control(runName, 'stop');
    await until('the run stopped', async () => (await look()).run.status === 'stopped');
    return ended(pods);
  };
  await during('stop the run', stop, {
    isSo: (status) => endOf(status)?.reason === 'PodFailurePolicy',
    // By the first 1 the Job fails, and ends the other pod if that has not ended yet.
    isCode: (code) => code === 1 || code === 75,
    goesOn: false,
  });

  const numSteps = (await look()).step + numLastSteps;
  const complete = async () => {
    await remove();
    await client.submit(config(numSteps), 'trained');
    await launch(2);
    await until('the run completed', async () => (await look()).run.status === 'completed');
    return ended(await podNames());
  };
  await during('complete the run', complete, {
    isSo: (status) => endOf(status)?.type === 'Complete',
    codes: [0, 0],
    goesOn: false,
  });

  return { rows, numSteps, ledger: await outside.ledger(runName) };
}
