import { describe } from 'vitest';
import { describeDamagedShards } from './testing/fuzz-shards.ts';
import { describeOddTexts } from './testing/fuzz-texts.ts';

describe('what is read, at length', () => {
  describeDamagedShards(5_000);
  describeOddTexts(3_000);
});
