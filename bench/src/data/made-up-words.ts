/** A stream of numbers in [0, 1): mulberry32, fast and the same everywhere. */
export function createChances(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const onsets = 'b d f k l m n r s t'.split(' ');
const rhymes = 'a e i or'.split(' ');
const syllables = onsets.flatMap((onset) => rhymes.map((rhyme) => onset + rhyme));
const numCached = 1 << 16;

/**
 * Words by how common they are, 0 first; the commonest are short. There is no last one, so the longer a text is, the more
 * different words it has.
 */
export function createWords(): (rank: number) => string {
  const cached: string[] = [];
  for (let rank = 0; rank < numCached; rank++) cached.push(spell(rank));
  return (rank) => cached[rank] ?? spell(rank);
}

function spell(rank: number): string {
  let word = '';
  for (let left = rank + 1; left > 0; left = Math.floor(left / syllables.length)) {
    left -= 1;
    word += syllables[left % syllables.length];
  }
  // As many have in European text: what lower-casing takes off.
  return rank % 97 === 96 ? word.replace('e', 'é') : word;
}

/** Zipf's law as Mandelbrot has it: P(rank or rarer) = (1 + rank / 60) ^ -0.5, as flat as English. Of 170 million words about two million differ. */
export function drawRank(chance: () => number): number {
  return Math.min(2 ** 40, Math.floor(60 * (1 / (1 - chance()) ** 2 - 1)));
}

/** Around a median, with a long tail of large ones: log-normal. */
export function drawLength(chance: () => number, median: number, spread: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
  return Math.max(1, Math.round(median * Math.exp(spread * normal)));
}
