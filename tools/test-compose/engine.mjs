import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from './command.mjs';

const startTimeoutMs = 60_000;

/**
 * A Docker engine: the one that answers, or for root one of our own for as long as the test takes.
 * @param {(line: string) => void} say
 * @returns {Promise<{ stop: () => Promise<void> } | { missing: string }>} `missing`: why none can be had
 */
export async function findEngine(say) {
  if (await answers()) return { stop: async () => undefined };
  if (!(await isInstalled('docker'))) return { missing: 'the docker command is not installed' };
  const why = 'no Docker engine answers (docker info)';
  if (!(await isInstalled('dockerd'))) return { missing: `${why} and dockerd is not installed` };
  if (process.getuid?.() !== 0) return { missing: `${why}, and only root can start one` };
  say('no Docker engine answers; starting one');
  return startEngine(why);
}

async function startEngine(why) {
  const folder = await mkdtemp(join(tmpdir(), 'berth-docker-'));
  const paths = ['--data-root', 'data', '--exec-root', 'exec', '--pidfile', 'pid'];
  const places = paths.map((path) => (path.startsWith('--') ? path : join(folder, path)));
  // A machine without the kernel's NAT tables publishes ports through docker-proxy.
  const daemon = spawn('dockerd', [...places, '--iptables=false', '--ip6tables=false'], {
    stdio: 'ignore',
  });
  const stop = async () => {
    if (daemon.exitCode === null) {
      const exit = new Promise((resolve) => daemon.once('exit', resolve));
      daemon.kill('SIGTERM');
      await Promise.race([exit, sleep(30_000)]);
    }
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline && daemon.exitCode === null) {
    if (await answers()) return { stop };
    await sleep(500);
  }
  await stop();
  return { missing: `${why}, and dockerd does not start here` };
}

function answers() {
  return must('docker', ['info'], { timeoutMs: 15_000 }).then(
    () => true,
    () => false,
  );
}

async function isInstalled(program) {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.some((folder) => existsSync(join(folder, program)));
}

/**
 * The command that runs Compose 2: `docker compose`, or the program that DOCKER_COMPOSE names.
 * @returns {Promise<readonly string[] | undefined>}
 */
export async function findCompose() {
  const named = process.env['DOCKER_COMPOSE'];
  for (const command of named === undefined ? [['docker', 'compose']] : [[named]]) {
    const [program, ...args] = command;
    const version = await must(program, [...args, 'version', '--short']).catch(() => '');
    if (/^(v?[2-9]|dev)/.test(version)) return command;
  }
  return undefined;
}
