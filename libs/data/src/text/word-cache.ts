/** Remembers values by word, at most twice `capacity` of them. */
export interface WordCache<T> {
  get(word: string): T | undefined;
  set(word: string, value: T): void;
}

// A page without spaces is one "word": not worth keeping.
const maxCachedLength = 64;

/**
 * Two generations: when the young one is full it becomes the old one, whose unused words are forgotten at the next
 * turn. Frequent words, most of any text, are always found.
 */
export function createWordCache<T>(capacity: number): WordCache<T> {
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  const remember = (word: string, value: T): void => {
    if (young.size >= capacity) [old, young] = [young, new Map()];
    young.set(word, value);
  };
  return {
    get: (word) => {
      const value = young.get(word);
      if (value !== undefined) return value;
      const aged = old.get(word);
      if (aged !== undefined) remember(word, aged);
      return aged;
    },
    set: (word, value) => {
      if (capacity > 0 && word.length <= maxCachedLength) remember(detach(word), value);
    },
  };
}

// V8 copies shorter strings and makes longer ones a reference into the text they were cut from.
const minSlicedLength = 13;

/** The same word, no longer keeping alive the text it was cut from. */
export function detach(word: string): string {
  return word.length < minSlicedLength ? word : Buffer.from(word, 'utf16le').toString('utf16le');
}
