import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildOverlay, killService } from '../../test-compose/cluster.mjs';
import { must } from '../../test-compose/command.mjs';
import { ensureBaseImages } from '../../test-compose/stand-ins.mjs';
import { until } from '../kubernetes/jobs.mjs';
import { textOf } from '../small-run.mjs';
import { runName } from './run-file.mjs';

const engine = 'compose';
const numWorkers = 2;

/**
 * Containers of `infra/compose/compose.worker.yaml`, one of which is killed and started again by its restart policy.
 * @param {{ root: string, folder: string, variables: Readonly<Record<string, string>>, say: (line: string) => void }} place
 * @param {readonly string[]} compose - the command
 * @returns {Promise<import('./journey.mjs').Leg>}
 */
export async function composeLeg({ root, folder, variables, say }, [program, ...first]) {
  const files = [join(root, 'infra/compose/compose.worker.yaml'), join(folder, 'overlay.json')];
  const envFile = join(folder, 'worker.env');
  await writeFile(envFile, environment(variables), { mode: 0o600 });
  await writeFile(files[1], JSON.stringify(overlay(root, variables)));
  const base = [...first, '-p', `berth-${runName}`, '--env-file', envFile];
  const compose = (args, options) =>
    must(program, [...base, ...files.flatMap((file) => ['-f', file]), ...args], options);

  for (const image of await ensureBaseImages(say)) say(`${image} is a stand-in`);
  await compose(['build', 'worker'], { timeoutMs: 3_600_000 });

  const containers = async () =>
    (await compose(['ps', '--all', '--format', 'json']))
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  const ended = async () => {
    await until('the end of all containers', async () =>
      (await containers()).every(({ State }) => State === 'exited'),
    );
    return `exit ${(await containers()).map(({ ExitCode }) => ExitCode).join(', ')}`;
  };
  return {
    engine,
    start: () =>
      compose(['up', '--detach', '--no-build', '--scale', `worker=${numWorkers}`], {
        timeoutMs: 300_000,
      }),
    async disturb({ members, quiet }) {
      let before = [];
      await members('all containers in the view', (all) => {
        before = all.map(({ memberId }) => memberId);
        return all.length === numWorkers;
      });
      await killService(compose, 'worker');
      await members(
        'the killed container again',
        (all) =>
          all.length === numWorkers && all.some(({ memberId }) => !before.includes(memberId)),
      );
      await quiet();
      return ['a container killed, and back'];
    },
    async leave() {
      await compose(['stop', '--timeout', '60']);
      return ended();
    },
    ended,
    async close() {
      await writeFile(join(folder, 'containers.log'), await compose(['logs', '--no-color']));
      await compose(['down', '--timeout', '60', '--volumes']);
    },
  };
}

function environment(variables) {
  const all = {
    ...variables,
    BERTH_PEER_HOST: '127.0.0.1',
    BERTH_WORKER_RUN: runName,
    BERTH_RESTART: 'on-failure',
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('');
}

/** The text where the run file says that it is, and the socket of a Redis that answers its own user only. */
function overlay(root, { REDIS_URL }) {
  const { services, secrets } = buildOverlay(['worker']);
  const text = textOf(root);
  const { protocol, pathname } = new URL(REDIS_URL);
  const socket = protocol === 'unix:' ? [`${dirname(pathname)}:${dirname(pathname)}`] : [];
  const worker = {
    ...services.worker,
    user: `${process.getuid()}:${process.getgid()}`,
    volumes: [`${text}:${text}:ro`, ...socket],
    environment: { BERTH_CORPUS_ROOTS: text },
  };
  return { services: { worker }, secrets };
}
