import { BerthError, type Job, type JobNote, type Unseen } from '@berth/contracts';
import { expect, it } from 'vitest';
import { doJob, type JobPorts } from './do-job.ts';

const dataset: Job = { kind: 'survey', runId: 'r', planId: 'a'.repeat(64), chunk: 3 };
const options = { signal: new AbortController().signal, tell: () => undefined };

interface Scene {
  readonly ports: JobPorts;
  readonly told: string[];
  readonly noted: (readonly [job: string, note: JobNote])[];
  readonly seen: (readonly [memberId: string, unseen: Unseen | undefined])[];
  readonly rests: number[];
  numStarted: number;
}

/** A thread that computes until it is ended, and a run that is over from some look on. */
function sceneOf(isOver: (numPolls: number) => boolean): Scene {
  let numPolls = 0;
  const told: string[] = [];
  const scene: Scene = {
    told,
    noted: [],
    seen: [],
    rests: [],
    numStarted: 0,
    ports: {
      memberId: 'w',
      notesOf: () => ({
        note: async (...noted) => void scene.noted.push(noted),
        sees: async (...seen) => void scene.seen.push(seen),
      }),
      rest: (durationMs) => scene.rests.push(durationMs),
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

it('notes how much was read, and that the corpus is seen', async () => {
  const { ports, noted, seen } = sceneOf(() => false);
  const process: JobPorts['data']['process'] = async (_job, { tell }) => {
    tell({ numBytes: 5, numDocuments: 1 });
    tell({ numBytes: 9, numDocuments: 2 });
    return Promise.resolve('done');
  };
  expect(await doJob({ ...ports, data: { process } }, dataset, options)).toBe('done');
  expect(noted[0]).toEqual(['survey/3', { numBytes: 5, numDocuments: 1, isDone: false }]);
  expect(noted.at(-1)).toEqual(['survey/3', { numBytes: 9, numDocuments: 2, isDone: true }]);
  expect(seen).toEqual([['w', undefined]]);
});

it('leaves what it does not see to others, and says so', async () => {
  const { ports, seen, rests, told } = sceneOf(() => false);
  const unseen = new BerthError('DATA_CORPUS_NOT_FOUND', '/corpus does not exist');
  const process: JobPorts['data']['process'] = () => Promise.reject(unseen);
  await expect(doJob({ ...ports, data: { process } }, dataset, options)).rejects.toMatchObject({
    code: 'DATA_NOT_HERE',
    policy: { retry: true },
  });
  expect(seen).toEqual([['w', { problem: '/corpus does not exist', isChanged: false }]]);
  expect(rests).toEqual([2_000]);
  expect(told).toEqual([]);
});
