import { describe } from 'vitest';
import { describeDamage } from './testing/fuzz.ts';

describe('what the bucket holds', () => {
  describeDamage(100);
});
