import * as fc from 'fast-check';

interface Change {
  readonly at: number;
  readonly to: number;
  readonly how: 'set' | 'flip' | 'cut' | 'double' | 'insert';
}

/** What happens to bytes on a bad disk, or by a hostile hand. */
export const changes: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.record({
    at: fc.nat(),
    to: fc.nat(255),
    how: fc.constantFrom('set', 'flip', 'flip', 'cut', 'double', 'insert'),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Some bytes with others in their place, cut off, or with a stretch of their own twice. */
export function mutate(bytes: Uint8Array, list: readonly Change[]): Buffer {
  let mutant = Buffer.from(bytes);
  for (const { at, to, how } of list) {
    if (mutant.length === 0) break;
    const index = at % mutant.length;
    const [before, after] = [mutant.subarray(0, index), mutant.subarray(index)];
    if (how === 'set') mutant[index] = to;
    else if (how === 'flip') mutant[index]! ^= 1 << (to & 7);
    else if (how === 'cut') mutant = Buffer.from(before);
    else if (how === 'double') mutant = Buffer.concat([mutant, after]);
    else mutant = Buffer.concat([before, Buffer.of(to), after]);
  }
  return mutant;
}
