import { describe } from 'vitest';
import { describeStatistics } from '../../testing/example-statistics.ts';

describe('statistics of examples', () => {
  describeStatistics(3_000, 16);
});
