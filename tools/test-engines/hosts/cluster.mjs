import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspectLedger } from '@berth/chaos';
import { createS3ObjectStore } from '@berth/checkpoint';
import { environmentOfServices, silentLogger } from '@berth/contracts';
import { createCoordinatorClient } from '@berth/launch';
import { connectRedis, openRun, redisServerPrograms } from '@berth/queue';
import { startS3Server } from '@berth/s3-server';

/** Of each host's link, which is made up. */
export const linkMbitPerS = 1_000;
const startTimeoutMs = 60_000;

/**
 * Redis, a bucket and a coordinator on the center of a network, for workers on its hosts.
 * @param {{ root: string, folder: string, address: string }} options - `address`: where the hosts reach them
 */
export async function startCluster({ root, folder, address }) {
  const berth = join(root, 'apps/cli/bin/berth.js');
  const password = randomBytes(16).toString('hex');
  const token = randomBytes(16).toString('hex');
  const secret = randomBytes(32).toString('hex');
  await startRedis(folder, password);
  const keys = { accessKeyId: 'hosts', secretAccessKey: randomBytes(16).toString('hex') };
  const server = await startS3Server({ folder: join(folder, 's3'), host: address, ...keys });
  const { endpoint } = server;
  const s3 = { endpoint, region: 'us-east-1', bucket: 'berth', prefix: '', ...keys };
  const services = { redisUrl: `redis://:${password}@${address}:6379`, s3 };
  const store = createS3ObjectStore(s3, silentLogger);
  await store.ensureBucket();
  store.close();
  const environment = { ...process.env, ...environmentOfServices(services), NODE_OPTIONS: '' };

  const start = ([program, args], env, log) => {
    const file = openSync(join(folder, `${log}.log`), 'a');
    return spawn(program, args, { env: { ...environment, ...env }, stdio: ['ignore', file, file] });
  };
  start(
    [process.execPath, [berth, 'coordinator']],
    { BERTH_API_TOKEN: token, BERTH_FOLDER: join(folder, 'coordinator') },
    'coordinator',
  );
  const url = 'http://127.0.0.1:7700';
  await untilAnswers(`${url}/readyz`);
  const client = createCoordinatorClient(url, {
    token,
    isOurs: false,
    isKept: () => true,
  });

  const cluster = {
    client,
    /**
     * Starts a worker on a host.
     * @param {import('@berth/faults').Host} host
     * @param {{ unseen?: string, env?: NodeJS.ProcessEnv }} [options] - `unseen`: a folder that the host does not have
     */
    async startWorker(host, { unseen, env: more } = {}) {
      const worker = [process.execPath, berth, 'worker'];
      const nothing = join(folder, 'nothing');
      await mkdir(nothing, { recursive: true });
      // A namespace of its own has mounts of its own.
      const hide = `mount --bind '${nothing}' '${unseen}' && exec "$@"`;
      const [program, ...args] =
        unseen === undefined ? worker : ['sh', '-c', hide, 'sh', ...worker];
      const env = {
        BERTH_SECRET: secret,
        BERTH_WORKER_NAME: host.name,
        BERTH_PEER_HOST: host.address,
        BERTH_LINK_MBIT_PER_S: String(linkMbitPerS),
        BERTH_NUM_THREADS: '1',
        BERTH_DEVICE: 'cpu',
        BERTH_FOLDER: join(folder, host.name),
        ...more,
      };
      return start(host.command(program, args), env, host.name);
    },
    /** @returns {Promise<import('@berth/contracts').RunStatusReport | undefined>} undefined while nobody answers */
    look: (run) => client.status(run).catch(() => undefined),
    /** Waits until a look is as wanted. @throws Error with the last look and what the logs end with */
    async until(run, what, isWanted, timeoutMs = 90_000) {
      const deadline = performance.now() + timeoutMs;
      let last;
      while (performance.now() < deadline) {
        last = (await cluster.look(run)) ?? last;
        if (last !== undefined && isWanted(last)) return last;
        if (last?.run.status === 'failed') break;
        await sleep(50);
      }
      throw new Error(`${what}: last seen ${seen(last)}\n${await logsOf(folder)}`);
    },
    /** When each step was committed, in Unix ms. */
    async commitTimes(run) {
      const lines = await client.metrics(run);
      return lines.filter(({ kind }) => kind === 'step').map(({ timeMs }) => timeMs);
    },
    ledger: (run) => inspectLedger(services, run, silentLogger),
    /** @returns {Promise<import('@berth/contracts').LedgerEntry[]>} all of a run */
    async entries(run) {
      const connection = await connectRedis(services.redisUrl, { role: 'producer' });
      const { ledger } = openRun(connection, run);
      const entries = [];
      for (let step = 0; step < (await ledger.numCommitted()); step++)
        entries.push(await ledger.entry(step));
      connection.close();
      return entries;
    },
  };
  return cluster;
}

/** A busy machine takes its time to start a process. */
async function untilAnswers(url) {
  const deadline = performance.now() + 2 * startTimeoutMs;
  while (performance.now() < deadline) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(200);
  }
  throw new Error(`${url} does not answer`);
}

/** It reads its settings, and so the password, from its standard input. */
async function startRedis(folder, password) {
  const [program] = redisServerPrograms(process.env);
  const data = join(folder, 'redis');
  await mkdir(data, { recursive: true });
  const child = spawn(program, ['-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = ['bind 0.0.0.0', 'port 6379', `requirepass ${password}`, `dir "${data}"`];
  child.stdin.end([...lines, 'save ""', 'maxmemory-policy noeviction', ''].join('\n'));
  const signal = AbortSignal.timeout(startTimeoutMs);
  for (let said = ''; !said.includes('Ready to accept connections');) {
    const [chunk] = await once(child.stdout, 'data', { signal });
    said += chunk;
  }
  child.stdout.resume();
}

function seen(report) {
  if (report === undefined) return 'nothing';
  const { run, step, view } = report;
  const members = view?.members.map(({ memberId }) => memberId).join(' ') ?? 'no view';
  return `${run.status} at step ${step}, ${members}; ${run.reason ?? ''}`;
}

async function logsOf(folder) {
  const names = ['coordinator', 'host-1', 'host-2', 'host-3', 'host-4', 'host-5', 'center'];
  const tails = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, `${name}.log`), 'utf8').catch(() => '');
      return `${name}: ${text.trim().split('\n').slice(-3).join('\n  ')}`;
    }),
  );
  return tails.join('\n');
}
