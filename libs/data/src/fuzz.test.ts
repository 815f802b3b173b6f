import { describe } from 'vitest';
import { describeDamagedLabels } from './testing/fuzz-labels.ts';
import { describeDamagedShards } from './testing/fuzz-shards.ts';
import { describeOddRows } from './testing/fuzz-rows.ts';
import { describeOddTexts } from './testing/fuzz-texts.ts';

describe('what is read', () => {
  describeDamagedShards(100);
  describeDamagedLabels(100);
  describeOddTexts(100);
  describeOddRows(30);
});
