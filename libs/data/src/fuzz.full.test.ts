import { describe } from 'vitest';
import { describeDamagedLabels } from './testing/fuzz-labels.ts';
import { describeDamagedShards } from './testing/fuzz-shards.ts';
import { describeOddRows } from './testing/fuzz-rows.ts';
import { describeOddTexts } from './testing/fuzz-texts.ts';

describe('what is read, at length', () => {
  describeDamagedShards(5_000);
  describeDamagedLabels(5_000);
  describeOddTexts(3_000);
  describeOddRows(3_000);
});
