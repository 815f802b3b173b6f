import { expect, it } from 'vitest';
import { skewWarning } from './clock-skew.ts';

it.each([
  [-63_400, "is 63 s behind Redis': times"],
  [3_600_000, "is 3,600 s ahead of Redis': times"],
])('says so of a clock that is %i ms ahead', (aheadMs, text) => {
  expect(skewWarning(aheadMs)).toContain(text);
});

it('says nothing of a second', () => {
  expect(skewWarning(-1_000)).toBeUndefined();
});
