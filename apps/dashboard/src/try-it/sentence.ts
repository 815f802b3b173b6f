/** A sentence, word by word, of which some are hidden from the model. */
export interface Sentence {
  readonly words: readonly string[];
  /** Places of the words that are to be filled in. */
  readonly hidden: ReadonlySet<number>;
}

const mask = '[MASK]';

/** What stands around a word, such as quotation marks and commas, and stays when it is hidden. */
const parts = /^([^\p{L}\p{N}]*)(.*?)([^\p{L}\p{N}]*)$/su;

/** The words of a text; those that say [MASK] are hidden. */
export function sentenceOf(text: string): Sentence {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const hidden = [...words.keys()].filter((place) => words[place]!.includes(mask));
  return { words, hidden: new Set(hidden) };
}

/** The same sentence with a word hidden, or shown again. */
export function toggled({ words, hidden }: Sentence, place: number): Sentence {
  const next = new Set(hidden);
  if (!next.delete(place)) next.add(place);
  return { words, hidden: next };
}

/** What the model is asked: the sentence with [MASK] for every hidden word. */
export function questionOf({ words, hidden }: Sentence): string {
  return words.map((word, place) => (hidden.has(place) ? filled(word, mask) : word)).join(' ');
}

/** Without what stands around it; of one that was written as [MASK] nothing is known. */
export function hiddenWord(word: string): string | undefined {
  if (word.includes(mask)) return undefined;
  return parts.exec(word)?.[2] || word;
}

/** A word, or a written [MASK], with something else in its place; what stands around it stays. */
export function filled(word: string, instead: string): string {
  if (word.includes(mask)) return word.replace(mask, () => instead);
  const [, before = '', middle = '', after = ''] = parts.exec(word) ?? [];
  return middle === '' ? instead : `${before}${instead}${after}`;
}
