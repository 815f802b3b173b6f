/** Evenly spread over [0, 1), a function of its arguments. */
export function uniform(seed: number, index: number): number {
  let hash = Math.imul(index + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(seed + 0x7f4a7c15, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

/** Around 0, about 1 wide, a function of its arguments. */
export function gauss(seed: number, index: number): number {
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += uniform(seed * 8 + i, index);
  return (sum - 2) * 1.73;
}

/** A made-up digest, the same for the same salt. */
export function digestOf(salt: number): string {
  return Array.from({ length: 8 }, (_, i) =>
    Math.floor(uniform(salt, i) * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
}
