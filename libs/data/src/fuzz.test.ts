import { describe } from 'vitest';
import { describeDamagedShards } from './testing/fuzz-shards.ts';
import { describeOddRows } from './testing/fuzz-rows.ts';
import { describeOddTexts } from './testing/fuzz-texts.ts';

describe('what is read', () => {
  describeDamagedShards(100);
  describeOddTexts(100);
  describeOddRows(30);
});
