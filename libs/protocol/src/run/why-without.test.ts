import { expect, it } from 'vitest';
import { whyWithout } from './why-without.ts';

it.each([
  ['without b: it closed (seen by a at step 4)', 'it closed (seen by a at step 4)'],
  ['without a, b: it closed (at step 4)', 'it closed (at step 4)'],
  ['lost b', 'its heartbeats stopped'],
  ['left by a, lost b', 'its heartbeats stopped'],
  ['without bb: it closed', 'without bb: it closed'],
  ['lost bb', 'lost bb'],
  [
    'trying again: a at step 4: the network is slow',
    'trying again: a at step 4: the network is slow',
  ],
])('%s', (viewReason, why) => {
  expect(whyWithout('b', viewReason)).toBe(why);
});
