import { readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from './command.mjs';

/** What a build takes from this machine, where it is there: registries, mirrors, certificates. */
const buildSecrets = {
  npmrc: join(homedir(), '.npmrc'),
  pip: process.env['PIP_CONFIG_FILE'] ?? '/etc/pip.conf',
  ca: process.env['NODE_EXTRA_CA_CERTS'] ?? '',
};

/**
 * A compose project of infra/compose.
 * @param {{ compose: readonly string[], root: string, folder: string, project: string, env: NodeJS.ProcessEnv }} options
 * `folder`: holds .env, the run file, and what is written here
 */
export function createCluster({ compose, root, folder, project, env }) {
  const overlay = join(folder, 'compose.build.json');
  const [program, ...first] = compose;
  const files = ['-f', join(root, 'infra/compose/compose.yaml'), '-f', overlay];
  const base = [...first, '-p', project, '--env-file', join(folder, '.env'), ...files];
  const run = (args, options = {}) =>
    must(program, [...base, ...args], { env: { ...process.env, ...env }, ...options });
  const url = `http://127.0.0.1:${env['BERTH_PORT']}`;

  const ask = async (path, options) => {
    const secrets = await readFile(join(folder, '.env'), 'utf8');
    const [, token] = /^BERTH_API_TOKEN=(.*)$/m.exec(secrets) ?? [];
    return fetch(url + path, { ...options, headers: { authorization: `Bearer ${token}` } });
  };

  const metricsAfter = async (name, cursor) => {
    const path = `/api/runs/${name}/metrics?after=${encodeURIComponent(cursor)}`;
    // Redis or the coordinator may just be coming back.
    for (let attempt = 1; ; attempt++)
      try {
        const answer = await ask(path, { signal: AbortSignal.timeout(10_000) });
        if (answer.ok) return await answer.json();
        throw new Error(`${path}: HTTP ${answer.status}`);
      } catch (error) {
        if (attempt === 60) throw error;
        await sleep(500);
      }
  };

  const cluster = {
    project,
    prepare: () => writeFile(overlay, JSON.stringify(buildOverlay(['coordinator', 'worker']))),
    build: () => run(['build'], { timeoutMs: 3_600_000, show: true }),
    /** @param {readonly string[]} args */
    up: (args = []) => run(['up', '--detach', '--no-build', ...args], { timeoutMs: 300_000 }),
    down: (args = []) => run(['down', '--timeout', '60', ...args], { timeoutMs: 180_000 }),
    logs: () => run(['logs', '--no-color', '--tail', '60']).catch((error) => String(error)),
    kill: (service) => killService(run, service),
    /** @returns {Promise<{ step: number, status: string, numWorkers: number } | undefined>} undefined while nobody answers */
    async look(name) {
      try {
        const answer = await ask(`/api/runs/${name}`, {
          signal: AbortSignal.timeout(3_000),
        });
        if (!answer.ok) return undefined;
        const report = await answer.json();
        const numWorkers = report.view?.members.length ?? 0;
        return { step: report.step, status: report.run.status, numWorkers };
      } catch {
        return undefined;
      }
    },
    /** Waits until a look is as wanted. @throws Error with the last look and the logs when it is not in time */
    async until(name, isWanted, what, timeoutMs = 300_000) {
      const deadline = performance.now() + timeoutMs;
      let last;
      while (performance.now() < deadline) {
        last = (await cluster.look(name)) ?? last;
        if (last !== undefined && isWanted(last)) return last;
        if (last !== undefined && last.status === 'failed') break;
        await sleep(100);
      }
      throw new Error(`${what}: last seen ${JSON.stringify(last)}\n${await cluster.logs()}`);
    },
    /** When each step of a run was committed, in Unix ms, from its metrics. */
    async commitTimes(name) {
      const times = [];
      for (let cursor = ''; ;) {
        const page = await metricsAfter(name, cursor);
        if (page.lines.length === 0) return times;
        times.push(...page.lines.filter((line) => line.kind === 'step').map((line) => line.timeMs));
        cursor = page.cursor;
      }
    },
    /** Saves a run and stops it. */
    async stop(name) {
      const answer = await ask(`/api/runs/${name}/controls/stop`, { method: 'POST' });
      if (!answer.ok) throw new Error(`stop: ${answer.status} ${await answer.text()}`);
      await cluster.until(name, ({ status }) => status === 'stopped', 'stop');
    },
    /** What `berth ledger verify` proves of a run. */
    async ledger(name) {
      const berth = ['exec', '-T', 'coordinator', 'berth', 'ledger', 'verify', name, '--json'];
      return JSON.parse(await run(berth));
    },
  };
  return cluster;
}

/**
 * Kills every process of a service's first container but its init, as a crash would; its restart policy then acts. It is done as
 * the service's own user: containers have no capabilities, and not every engine may give some to a process.
 * @param {(args: readonly string[]) => Promise<string>} compose
 * @param {string} service
 */
export async function killService(compose, service) {
  try {
    await compose(['exec', '-T', service, 'sh', '-c', 'kill -9 -1']);
  } catch (error) {
    // The shell dies with its container, or just before it is told so.
    if (!/ ended with 137:/.test(error.message)) throw error;
  }
}

/**
 * A compose file that builds services with what this machine has for it.
 * @param {readonly string[]} services
 */
export function buildOverlay(services) {
  const found = Object.entries(buildSecrets).filter(([, file]) => existsSync(file));
  const build = { network: 'host', secrets: found.map(([name]) => name) };
  return {
    services: Object.fromEntries(services.map((name) => [name, { build }])),
    secrets: Object.fromEntries(found.map(([name, file]) => [name, { file }])),
  };
}
