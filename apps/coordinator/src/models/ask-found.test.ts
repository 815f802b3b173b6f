import { BerthError } from '@berth/contracts';
import { expect, it } from 'vitest';
import { askFound } from './ask-found.ts';

const damaged = new BerthError('CHECKPOINT_CORRUPT', 'damaged');

it('asks of the newer checkpoint where the one that was found is gone meanwhile', async () => {
  const left = [100, 200];
  const asked: number[] = [];
  const answer = await askFound(
    { find: async () => left[0]!, isThere: async (step) => left.includes(step) },
    async (step) => {
      asked.push(step);
      if (step !== 100) return step;
      left.shift();
      throw damaged;
    },
  );
  expect(answer).toBe(200);
  expect(asked).toEqual([100, 200]);
});

it('tells what is wrong with one that is there', async () => {
  const question = askFound({ find: async () => 100, isThere: async () => true }, async () => {
    throw damaged;
  });
  await expect(question).rejects.toBe(damaged);
});
