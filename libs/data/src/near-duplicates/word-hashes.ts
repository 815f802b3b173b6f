/** Kinds of UTF-16 code units. */
const [between, inWord, alone] = [1, 2, 3] as const;

/** 0 for those that were not met yet. */
const kinds = new Uint8Array(2 ** 16);
const isInWord = /[\p{L}\p{M}\p{N}\p{Cs}]/u;
/** Of scripts that put no space between words: each character counts as a word. */
const isAlone =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

function kindOf(unit: number): number {
  const character = String.fromCharCode(unit);
  const found = !isInWord.test(character) ? between : isAlone.test(character) ? alone : inWord;
  kinds[unit] = found;
  return found;
}

const isOtherThanAscii = /[^\0-\x7f]/;

/** Reads texts as words, whatever their case, width, punctuation and line breaks. */
export interface WordHashes {
  /** @param text - goes on where the one before ended, in the middle of a word perhaps */
  add(text: string): void;
  /** A word ends here. */
  endWord(): void;
}

/** FNV-1a. */
const [basis, prime] = [0x811c9dc5 | 0, 0x01000193];

/** @param onWord - told the 32-bit hash of each word, in order */
export function createWordHashes(onWord: (hash: number) => void): WordHashes {
  let hash: number = basis;
  let length = 0;
  const endWord = (): void => {
    if (length > 0) onWord(hash);
    hash = basis;
    length = 0;
  };
  return {
    endWord,
    add(text) {
      const folded = (isOtherThanAscii.test(text) ? text.normalize('NFKC') : text).toLowerCase();
      for (let at = 0; at < folded.length; at++) {
        const unit = folded.charCodeAt(at);
        const kind = kinds[unit]! || kindOf(unit);
        if (kind !== inWord) endWord();
        if (kind === between) continue;
        hash = Math.imul(hash ^ unit, prime);
        length += 1;
        if (kind === alone) endWord();
      }
    },
  };
}
