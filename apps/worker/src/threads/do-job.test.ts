import { BerthError, parseRunConfig, type Job } from '@berth/contracts';
import { expect, it } from 'vitest';
import { doJob, type JobPorts } from './do-job.ts';

const { corpus, vocabulary } = parseRunConfig({ name: 'r', corpus: { path: '/t' } }, 'test');
const dataset: Job = {
  kind: 'dataset',
  runId: 'r',
  corpus: corpus!,
  vocabulary,
  numShards: 1,
  seed: 1,
  askedAtMs: 1,
};
const options = { signal: new AbortController().signal, tell: () => undefined };

interface Scene {
  readonly ports: JobPorts;
  readonly told: string[];
  numStarted: number;
}

/** A thread that computes until it is ended, and a run that is over from some look on. */
function sceneOf(isOver: (numPolls: number) => boolean): Scene {
  let numPolls = 0;
  const told: string[] = [];
  const scene: Scene = {
    told,
    numStarted: 0,
    ports: {
      memberId: 'w',
      notesOf: () => ({
        note: () => Promise.resolve(),
        sees: () => Promise.resolve(),
      }),
      rest: () => undefined,
      hasEnded: () => Promise.resolve(isOver(numPolls++)),
      troubles: { failed: (doing) => told.push(doing), done: () => undefined },
      data: {
        process(_job, { signal }) {
          signal.throwIfAborted();
          scene.numStarted++;
          return new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        },
      },
    },
  };
  return scene;
}

it('a dataset of a run that has ended is not begun', async () => {
  const { ports, ...scene } = sceneOf(() => true);
  await expect(doJob(ports, dataset, options)).rejects.toMatchObject({
    code: 'RUN_STATE_CONFLICT',
    message: 'Run "r" has ended: its dataset is not made',
  });
  expect(scene.numStarted).toBe(0);
});

it('a dataset of a run that ends is given up, which is no trouble', async () => {
  const scene = sceneOf((numPolls) => numPolls > 1);
  await expect(doJob(scene.ports, dataset, options)).rejects.toMatchObject({
    code: 'RUN_STATE_CONFLICT',
  });
  expect(scene).toMatchObject({ numStarted: 1, told: [] });
});

it('a job that was given to another consumer is given up', async () => {
  const lost = new AbortController();
  const { ports } = sceneOf(() => false);
  const doing = doJob(ports, dataset, { ...options, signal: lost.signal });
  lost.abort(new BerthError('QUEUE_UNREACHABLE', 'the job was given to another consumer'));
  await expect(doing).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' });
});
