import { sha256Hex, type TaskName } from '@berth/contracts';
import { expect, it } from 'vitest';
import { parameterLayout } from '../parameters/parameter-layout.ts';
import { taskModels } from '../tasks/index.ts';
import { optionsOf } from '../testing/engine-variants.ts';
import { goldenShape as shape } from '../testing/golden.ts';
import { trainingGraph } from './training-graph.ts';

function digestOf(name: TaskName): string {
  const { model, optimizer } = optionsOf({ dropoutRatio: 0.1 });
  const task = taskModels[name];
  const layout = parameterLayout(model, task);
  const graph = { task, model, optimizer, layout, shape, numLevels: 2, buckets: [] } as const;
  const bytes = trainingGraph({ ...graph, compute: 'float32', allReduceDtype: 'fp32' }).encode();
  return sha256Hex(bytes).slice(0, 16);
}

it('is byte for byte the known one where rows have one sequence, and another where they may have several', () => {
  expect([digestOf('pretraining'), digestOf('maskedLm')]).toEqual([
    'ae7151efb205c531',
    '96dc44ac90361bba',
  ]);
  expect(digestOf('packedMaskedLm')).not.toBe(digestOf('maskedLm'));
});
