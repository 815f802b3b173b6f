import { join } from 'node:path';
import { startProcess } from '../kubernetes/process.mjs';
import { runName } from './run-file.mjs';

const numWorkers = 2;
const graceMs = 60_000;

/**
 * Workers that nobody but this test starts.
 * @param {{ root: string, folder: string, variables: Readonly<Record<string, string>> }} options
 * @returns {import('./journey.mjs').Leg}
 */
export function processLeg({ root, folder, variables }) {
  const workers = [];
  const ended = async () => {
    await Promise.all(workers.map((worker) => worker.ended));
    return `exit ${workers.map(({ end }) => end.code ?? end.signal).join(', ')}`;
  };
  return {
    engine: 'process',
    async start() {
      for (let index = 0; index < numWorkers; index++)
        workers.push(
          startProcess(process.execPath, [join(root, 'apps/worker/bin/worker.js')], {
            log: join(folder, `worker-${index}.log`),
            cwd: root,
            env: {
              ...process.env,
              ...variables,
              BERTH_WORKER_RUN: runName,
              BERTH_WORKER_NAME: `process-${index}`,
              BERTH_NUM_THREADS: '1',
            },
          }),
        );
    },
    async leave() {
      for (const worker of workers) worker.kill('SIGTERM');
      return ended();
    },
    ended,
    close: async () => void (await Promise.all(workers.map((worker) => worker.stop(graceMs)))),
  };
}
