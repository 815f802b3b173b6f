import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { berth } from './testing/berth-process.ts';

const corpus = fileURLToPath(
  new URL('../../../libs/data/test/golden/excerpt.txt', import.meta.url),
);
const numSteps = 6;
const config = {
  seed: 7,
  corpus: { path: corpus, heldOutRatio: 0.1 },
  vocabulary: { size: 500 },
  examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 2 },
  model: { size: 'tiny', numLayers: 1, hiddenSize: 16, numHeads: 2, maxPositions: 32 },
  train: { numSteps, engine: 'eager', globalBatch: 8, virtualRanks: 4, numEvalExamples: 8 },
};

it('a run that diverges fails before the step is voted for, and one with another rate goes on', async () => {
  const { path: folder } = await temporaryFolder();
  const train = async (name: string, learningRate: number): ReturnType<typeof berth> => {
    const file = join(folder, `${name}.yaml`);
    const optimizer = { learningRate, numWarmupSteps: 1 };
    writeFileSync(file, JSON.stringify({ ...config, name, optimizer }));
    return berth(['train', file, '--workers', '2'], { folder });
  };
  const ledgerOf = async (name: string): Promise<object> => {
    const { stdout } = await berth(['ledger', 'verify', name, '--json'], { folder });
    return JSON.parse(stdout) as object;
  };

  const steep = await train('steep', 1e30);
  expect(steep.exitCode).toBe(1);
  const reason = /step (\d+), examples 0\.(\d+) to 0\.(\d+): gradient norm (NaN|Infinity)/.exec(
    steep.stderr,
  );
  if (reason === null) throw new Error(steep.stderr);
  const [step, first, end] = reason.slice(1).map(Number);
  expect([first, end]).toEqual([8 * step!, 8 * step! + 8]);
  expect(await ledgerOf('steep')).toMatchObject({ ok: true, numSteps: step, attempts: 1 });

  const mended = await train('mended', 1e-3);
  expect(mended.exitCode).toBe(0);
  expect(await ledgerOf('mended')).toMatchObject({ ok: true, numSteps });
});
