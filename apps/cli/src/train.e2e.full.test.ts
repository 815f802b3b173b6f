import type { LedgerInspection } from '@berth/chaos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berth } from './testing/berth-process.ts';
import {
  compiledInBf16,
  eager,
  inPhases,
  numSteps,
  openTrainingScene,
  phases,
  type TrainingScene,
} from './testing/training-scene.ts';

/** By one worker, of whose runs those of several have the bits, whatever is killed. */
let undisturbed: Record<'e2e' | 'fine' | 'phased' | 'bf16', LedgerInspection>;
let scene: TrainingScene;

beforeAll(async () => {
  scene = await openTrainingScene();
  await scene.workers.add();
  undisturbed = {
    e2e: await scene.train('e2e', eager),
    fine: await scene.fineTune('fine'),
    phased: await scene.train('phased', inPhases, { phases }),
    bf16: await scene.train('bf16', compiledInBf16),
  };
  for (const { ok } of Object.values(undisturbed)) expect(ok).toBe(true);
  expect(undisturbed.e2e).toMatchObject({ numSteps });
});

afterAll(() => scene.stop());

/** What another run must have in common with one that was not disturbed. */
function like(run: keyof typeof undisturbed): Partial<LedgerInspection> {
  const { weightsDigest, head } = undisturbed[run];
  return { ok: true, weightsDigest, head };
}

const killOne = (): Promise<void> => scene.workers.kill();

describe('a run of two workers', () => {
  beforeAll(() => scene.workers.add());

  it('gives the same weights', async () => {
    expect(await scene.train('two', eager)).toMatchObject(like('e2e'));
  });

  it('gives the same bits when it was planned shorter and is extended', async () => {
    const { folder } = scene.cluster;
    const wsd = { optimizer: { schedule: 'wsd', numDecaySteps: 4 } };
    const { weightsDigest, head } = await scene.train('planned', { ...eager, numSteps: 16 }, wsd);
    await scene.train('short', { ...eager, numSteps: 10 }, wsd);
    const extended = await berth(['extend', 'short', '--steps', '16'], { folder });
    expect(extended.exitCode).toBe(0);
    expect(extended.stderr).toContain('short goes back from step 10 to 6');
    const verified = await berth(['ledger', 'verify', 'short', '--json'], { folder });
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, head, weightsDigest });
  });

  it('is fine-tuned to the same bits when one is killed', async () => {
    expect(await scene.fineTune('fine-killed', killOne)).toMatchObject(like('fine'));
  });

  it('gives the same bits in phases, when one is killed', async () => {
    const killed = await scene.train('phased-killed', inPhases, { phases, disturb: killOne });
    expect(killed).toMatchObject(like('phased'));
  });
});

describe('a run of three workers', () => {
  beforeAll(() => scene.workers.add());

  it('gives the same weights', async () => {
    expect(await scene.train('three', eager)).toMatchObject(like('e2e'));
    expect(await scene.fineTune('fine-three')).toMatchObject(like('fine'));
  });

  it('gives the same weights when gradients travel in bf16', async () => {
    expect(await scene.train('bf16-three', compiledInBf16)).toMatchObject(like('bf16'));
  });
});
