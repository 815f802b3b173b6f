import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environmentOfServices, type Services } from '@berth/contracts';
import { clusterSecret, findCluster } from '@berth/launch';
import { connectRedis, openRun, type RunHandle } from '@berth/queue';
import { logTimes, type StageTimes } from './log-times.ts';
import { treeCpuSeconds } from '../process-tree.ts';

const berth = fileURLToPath(new URL('../../../apps/cli/bin/berth.js', import.meta.url));
const worker = fileURLToPath(new URL('../../../apps/worker/bin/worker.js', import.meta.url));

const timeoutMs = 900_000;
const lookEveryMs = 20;

export interface StartOptions {
  readonly file: string;
  readonly settings: readonly string[];
  readonly runId: string;
  /** Of the cluster. */
  readonly folder: string;
  /** Where machine code is kept. */
  readonly code: string;
  /** Whether another worker is to join once the run trains. */
  readonly hasJoiner: boolean;
}

/** From the command, or a joiner's start, to a step that counts. */
export interface Start {
  readonly ms: number;
  readonly cpuSeconds: number;
}

export interface MeasuredStart extends Start {
  /** Since the command, in milliseconds. */
  readonly stages: StageTimes;
  readonly joiner?: Start;
}

/** Trains with `berth train` until a first step is committed, and ends it then. */
export async function measureStart(options: StartOptions): Promise<MeasuredStart> {
  const { file, settings, runId, folder, code, hasJoiner } = options;
  const env = { ...process.env, BERTH_FOLDER: folder, BERTH_XLA_CACHE: code };
  const sets = [`name=${runId}`, ...settings].flatMap((setting) => ['--set', setting]);
  const startedMs = Date.now();
  const command = spawn(process.execPath, [berth, 'train', file, ...sets], {
    env,
    stdio: 'ignore',
  });
  try {
    const found = await until(() => findCluster(folder), command);
    const connection = await connectRedis(found.services.redisUrl, { role: 'producer' });
    try {
      const run = openRun(connection, runId);
      await until(async () => (await run.ledger.numCommitted()) > 0, command);
      const ms = Date.now() - startedMs;
      const cpuSeconds = treeCpuSeconds(command.pid ?? 0);
      const stages = logTimes(folder, startedMs);
      const measured = { ms, cpuSeconds, stages };
      if (!hasJoiner) return measured;
      return { ...measured, joiner: await measureJoiner(run, found.services, options) };
    } finally {
      connection.close();
    }
  } finally {
    await end(command);
  }
}

async function measureJoiner(
  run: RunHandle,
  services: Services,
  { folder, code }: StartOptions,
): Promise<Start> {
  const env = {
    ...process.env,
    ...environmentOfServices(services),
    BERTH_FOLDER: folder,
    BERTH_SECRET: clusterSecret(folder, process.env),
    BERTH_WORKER_NAME: 'joiner',
    BERTH_NUM_THREADS: '1',
    BERTH_XLA_CACHE: code,
  };
  const startedMs = Date.now();
  const joiner = spawn(process.execPath, [worker], { env, stdio: 'ignore' });
  try {
    const fromStep = await until(async () => {
      const view = await run.views.current();
      const isIn = view?.members.some(({ memberId }) => memberId.startsWith('joiner-')) === true;
      // Nothing is no answer yet, and step 0 is one.
      return isIn && { step: view.fromStep };
    }, joiner);
    await until(async () => (await run.ledger.numCommitted()) > fromStep.step, joiner);
    return { ms: Date.now() - startedMs, cpuSeconds: treeCpuSeconds(joiner.pid ?? 0) };
  } finally {
    await end(joiner);
  }
}

/** Interrupts twice: once to save and stop, once more to stop at once. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  for (let numSignals = 0; numSignals < 2; numSignals++) {
    child.kill('SIGINT');
    await Promise.race([ended, sleep(700)]);
  }
  await ended;
}

async function until<T>(
  look: () => T | Promise<T>,
  child: ChildProcess,
): Promise<Exclude<T, false | undefined>> {
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    if (child.exitCode !== null)
      throw new Error(`${child.spawnargs.join(' ')} ended with code ${child.exitCode}`);
    const found = await look();
    if (found !== false && found !== undefined) return found as Exclude<T, false | undefined>;
    await sleep(lookEveryMs);
  }
  throw new Error(`no step was committed within ${timeoutMs} ms`);
}
