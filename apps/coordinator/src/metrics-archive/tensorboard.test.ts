import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createS3ObjectStore } from '@berth/checkpoint';
import { silentLogger, type MetricsLine } from '@berth/contracts';
import { startS3Server } from '@berth/s3-server';
import { temporaryFolder } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { AttemptArchive } from './attempt-archive.ts';
import { attemptPrefix } from './keys.ts';

const run = promisify(execFile);
const python = process.env['BERTH_TEST_PYTHON'] ?? 'python3';
const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };

const readScalars = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})
events.Reload()
print(json.dumps({tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()['scalars']}))
`;

type Scalars = Record<string, [step: number, value: number][]>;

const lineOf = (attempt: number, step: number, kind: MetricsLine['kind']): MetricsLine => ({
  kind,
  attempt,
  step,
  timeMs: 1_700_000_000_000 + step,
  loss: attempt,
  masked_lm_loss: 1,
  masked_lm_accuracy: 0,
  next_sentence_loss: 0.5,
  next_sentence_accuracy: 0.5,
  numTokens: 100,
});

it("TensorBoard's own reader sees each step once, the newest attempt's where they overlap", async (context) => {
  const hasReader = await run(python, ['-c', 'import tensorboard']).then(
    () => true,
    () => false,
  );
  if (!hasReader) context.skip('tensorboard is not installed');

  const folder = await temporaryFolder();
  const server = await startS3Server({ folder: join(folder.path, 's3'), ...credentials });
  const { endpoint } = server;
  const place = { endpoint, region: 'us-east-1', bucket: 'test', ...credentials };
  const store = createS3ObjectStore(place, silentLogger);
  onTestFinished(async () => {
    store.close();
    await server.close();
    await folder.remove();
  });
  await store.ensureBucket();
  const spans = [
    { attempt: 1, fromStep: 0, toStep: 2_500 },
    { attempt: 2, fromStep: 1_800, toStep: 2_900 },
  ];
  const together = join(folder.path, 'together');
  await mkdir(together);
  for (const { attempt, fromStep, toStep } of spans) {
    const startedAtMs = 1_700_000_000_000 + attempt * 60_000;
    const archiveOf = { runId: 'r', attempt, startedAtMs, fromStep };
    const archive = await AttemptArchive.open(store, archiveOf, silentLogger);
    for (let step = fromStep; step < toStep; step++) archive.add(lineOf(attempt, step, 'step'));
    archive.add(lineOf(attempt, toStep, 'eval'));
    await archive.flush();
    const prefix = attemptPrefix('r', attempt);
    for (const { key } of await store.list(`${prefix}events`))
      await writeFile(join(together, key.slice(prefix.length)), await store.get(key));
  }

  const { stdout } = await run(python, ['-c', readScalars, together], { maxBuffer: 1 << 26 });
  const scalars = JSON.parse(stdout) as Scalars;
  const losses = scalars['train/loss'] ?? [];
  expect(losses.map(([step]) => step)).toEqual(Array.from({ length: 2_900 }, (_, step) => step));
  expect(losses.every(([step, value]) => value === (step < 1_800 ? 1 : 2))).toBe(true);
  expect(scalars['eval/loss']).toEqual([[2_900, 2]]);
});
