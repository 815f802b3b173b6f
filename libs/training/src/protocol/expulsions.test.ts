import { describe, expect, it } from 'vitest';
import { expel, expelledAt } from './expulsions.ts';

describe('expulsions', () => {
  it('last twice as long each time, for each member', () => {
    const once = expel(new Map(), ['b'], 0);
    expect([...expelledAt(once, 999)]).toEqual(['b']);
    expect([...expelledAt(once, 1_000)]).toEqual([]);
    const again = expel(once, ['b', 'c'], 1_000);
    expect([...expelledAt(again, 1_999)]).toEqual(['b', 'c']);
    expect([...expelledAt(again, 2_999)]).toEqual(['b']);
    expect([...expelledAt(again, 3_000)]).toEqual([]);
  });

  it('are forgotten after a while in peace', () => {
    const twice = expel(expel(new Map(), ['b'], 0), ['b'], 1_000);
    const later = expel(twice, ['b'], 400_000);
    expect([...expelledAt(later, 401_000)]).toEqual([]);
  });
});
