import { expect, it } from 'vitest';
import { simulateAll } from './expect-no-problem.ts';

it('a simulated run ends with the same weights for 12,000 seeds', { timeout: 900_000 }, () => {
  expect(simulateAll(1_000_000, 12_000)).toHaveLength(12_000);
});
