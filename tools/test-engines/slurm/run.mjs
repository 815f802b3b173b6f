import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { longestPause } from '../../test-compose/faults.mjs';
import { seconds } from '../../test-compose/report.mjs';
import { mustBerth } from './berth.mjs';
import { jobsNamed, restartsOf, until } from './queue.mjs';
import { createRunView } from './run-view.mjs';
import { runFile, runName } from './run-file.mjs';

const arrayName = `berth-${runName}`;
const headName = `berth-head-${runName}`;
const numFirstSteps = 40;

/**
 * A run whose workers are a job array: to its end; then on, with a task pre-empted, the array grown and shrunk, and stopped.
 * Its weights must be those of bare processes that nobody disturbed.
 */
export async function testRun({ slurm, folder, say }) {
  const file = join(folder, 'run.json');
  const shared = join(folder, 'shared');
  const own = { folder: join(folder, 'berth'), env: slurm.env };
  const launch = async (numWorkers) => {
    const more = ['--workers', String(numWorkers), '--shared', shared, '--submit'];
    const args = ['--partition=low', '--head-directive=--partition=high'];
    const { stderr } = await mustBerth(['launch', 'slurm', file, ...args, ...more], own);
    return stderr;
  };
  const view = createRunView(shared, runName);
  const explain = async (cause) => {
    try {
      const jobs = JSON.stringify(await jobsNamed(slurm, `${arrayName},${headName}`));
      cause.message += `\n${jobs}\n${await view.lastLines()}`;
    } catch {
      // Slurm is gone, or nothing was written: the cause says it all.
    }
    throw cause;
  };
  const startMs = performance.now();
  const sofar = () => seconds(performance.now() - startMs);

  const disturbed = async () => {
    await writeFile(file, JSON.stringify(runFile(numFirstSteps)));
    await launch(2);
    await allEnded(slurm, `${arrayName},${headName}`, ['COMPLETED']);
    say(
      `${numFirstSteps} steps by two tasks and a job of the coordinator, all COMPLETED: ${sofar()}`,
    );

    await writeFile(file, JSON.stringify(runFile(1_000_000)));
    const sinceId = await newestId(slurm);
    await launch(2);
    await view.until(
      ({ step, members }) => step > numFirstSteps && members.length === 2,
      'two workers',
    );
    say(`goes on with the data of before, in new jobs: ${sofar()}`);
    await preempt({ slurm, view, sinceId, say, sofar });

    const before = await view.look();
    await launch(3);
    await view.until(({ members }) => members.length === 3, 'three workers');
    const grown = await view.look();
    assert.deepEqual(
      before.members.filter((id) => !grown.members.includes(id)),
      [],
      'who was there stays',
    );
    say(`--workers 3: one task more, the others stay: ${sofar()}`);

    await launch(1);
    await view.until(({ members }) => members.length === 1, 'one worker');
    const shrunkAt = (await view.look()).step;
    await view.until(({ step }) => step > shrunkAt + 10, 'ten steps by one worker');
    const left = await until(
      () => newTasks(slurm, sinceId),
      (tasks) => tasks.filter(({ state }) => state === 'COMPLETED').length === 2,
      'two tasks that left for good',
    );
    assert.equal(left.filter(({ state }) => state === 'RUNNING').length, 1);
    say(`--workers 1: two tasks leave after a step, and are COMPLETED: ${sofar()}`);

    const times = await view.commitTimes();
    say(
      `longest time without a step, since it went on: ${seconds(longestPause(times, times[numFirstSteps + 1], Date.now()))}`,
    );
    await view.stop();
    const tasks = await allEnded(slurm, arrayName, ['COMPLETED', 'FAILED']);
    await allEnded(slurm, headName, ['COMPLETED']);
    const failed = tasks.filter(({ state }) => state === 'FAILED');
    assert.equal(failed.length, 1);
    assert.match(failed[0].comment, /run slurm-test was stopped/);
    say(`stopped; its last task says, in squeue: ${failed[0].comment}`);
    return ledger(join(shared, 'cluster'), slurm.env);
  };
  const stormy = await disturbed().catch((cause) => explain(cause));

  await writeFile(file, JSON.stringify(runFile(stormy.checkpointStep)));
  const calmFolder = join(folder, 'calm');
  await mustBerth(['train', file], { folder: calmFolder, env: process.env });
  const calm = await ledger(calmFolder, process.env);
  say(`Slurm           ${stormy.weightsDigest} after ${stormy.checkpointStep} steps`);
  say(`bare processes  ${calm.weightsDigest}`);
  say(`ledger          ${stormy.numSteps} steps, ${stormy.numExamples} examples: 0 lost, 0 double`);
  assert.equal(stormy.numSteps, stormy.checkpointStep);
  assert.ok(stormy.weightsDigest);
  assert.equal(stormy.weightsDigest, calm.weightsDigest);
}

/** Lets an urgent job take the node of one task, and waits until that task is back. */
async function preempt({ slurm, view, sinceId, say, sofar }) {
  const [head] = (await jobsNamed(slurm, headName)).filter(({ state }) => state === 'RUNNING');
  const tasks = (await newTasks(slurm, sinceId)).filter(({ state }) => state === 'RUNNING');
  const victim = tasks.find(({ node }) => node !== head.node);
  const other = tasks.find(({ id }) => id !== victim?.id);
  assert.ok(victim && other, `two tasks on two nodes: ${JSON.stringify({ head, tasks })}`);
  const { members } = await view.look();
  await slurm.run('sbatch', [
    '--partition=high',
    '--cpus-per-task=2',
    `--nodelist=${victim.node}`,
    '--output=/dev/null',
    '--wrap=sleep 1',
  ]);
  const alone = await view.until(({ members: now }) => now.length === 1, 'the other worker alone');
  assert.ok(
    members.includes(alone.members[0]) && alone.members[0].startsWith(`slurm-${other.id}-0`),
  );
  await view.until(({ step }) => step > alone.step + 10, 'ten steps without it');
  say(`an urgent job takes the node of ${victim.id}; ${other.id} goes on alone: ${sofar()}`);
  const both = await view.until(({ members: now }) => now.length === 2, 'both workers again');
  assert.ok(both.members.includes(alone.members[0]));
  assert.ok(both.members.some((id) => id.startsWith(`slurm-${victim.id}-1`)));
  assert.equal(await restartsOf(slurm, victim.id), 1);
  assert.equal(await restartsOf(slurm, other.id), 0);
  say(`it was requeued, and is back: ${sofar()}`);
}

const arrayIdOf = ({ id }) => Number(id.split('_', 1)[0]);

async function newestId(slurm) {
  const jobs = await jobsNamed(slurm, `${arrayName},${headName}`);
  return Math.max(...jobs.map(arrayIdOf));
}

async function newTasks(slurm, sinceId) {
  return (await jobsNamed(slurm, arrayName)).filter((job) => arrayIdOf(job) > sinceId);
}

/** Waits until all jobs of a name have ended. @returns those, which must have ended so */
async function allEnded(slurm, name, states) {
  const isOver = ({ state }) => !/^(PENDING|CONFIGURING|RUNNING|COMPLETING|SUSPENDED)$/.test(state);
  const jobs = await until(
    () => jobsNamed(slurm, name),
    (seen) => seen.length > 0 && seen.every(isOver),
    `the end of ${name}`,
  );
  for (const job of jobs) assert.ok(states.includes(job.state), JSON.stringify(job));
  return jobs;
}

/** What `berth ledger verify` proves of the run, which throws where it does not hold. */
async function ledger(folder, env) {
  const { stdout } = await mustBerth(['ledger', 'verify', runName, '--json'], { folder, env });
  return JSON.parse(stdout);
}
