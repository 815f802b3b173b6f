import { describe, expect, it } from 'vitest';
import { isHeldOut } from './hold-out.ts';

const keys = Array.from({ length: 10_000 }, (_, index) => `document-${index}`);
const heldOut = (seed: number, ratio: number): string[] =>
  keys.filter((key) => isHeldOut(key, seed, ratio));

describe('held-out split', () => {
  it('holds out about the wanted share', () => {
    // Binomial: mean 200, standard deviation 14.
    expect(Math.abs(heldOut(12_345, 0.02).length - 200)).toBeLessThan(5 * 14);
  });

  it('holds out nothing at ratio 0', () => {
    expect(heldOut(12_345, 0)).toEqual([]);
  });

  it('only adds documents when the share grows', () => {
    expect(heldOut(1, 0.1)).toEqual(expect.arrayContaining(heldOut(1, 0.05)));
  });

  it('chooses other documents under another seed', () => {
    const first = new Set(heldOut(1, 0.1));
    const common = heldOut(2, 0.1).filter((key) => first.has(key));
    expect(common.length).toBeLessThan(200);
  });

  it('never changes its mind', () => {
    // By Python's hashlib.
    expect(keys.slice(0, 200).filter((key) => isHeldOut(key, 12_345, 0.02))).toEqual([
      'document-127',
      'document-157',
    ]);
  });
});
