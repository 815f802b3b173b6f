import { drawn, type Passage, type Speech } from './speeches.ts';

export interface TaggedSentence {
  readonly id: string;
  /** In lower case, so that nothing but the words tells names from others. */
  readonly words: readonly string[];
  readonly tags: readonly ('O' | 'B-NAME' | 'I-NAME')[];
}

/** Since then only names have capital letters; before, many other nouns did. */
const firstYear = 1900;

/**
 * Which words are names? A name is a run of words with a capital letter. The first word of a sentence always has one, so only sentences count that
 * begin with a word of which we know that it is none: inside sentences it is in lower case.
 */
export function tagNames(speeches: readonly Speech[], count: number): TaggedSentence[] {
  const recent = speeches.filter(({ year }) => year >= firstYear);
  const plainWords = plainWordsOf(recent);
  const tagged = recent
    .flatMap(({ sentences }) => sentences)
    .flatMap((sentence) => {
      const words = wordsOf(sentence.text);
      return isSound(words) && plainWords.has(words[0]!.toLowerCase())
        ? [tagsOf(sentence, words)]
        : [];
    });
  return drawn(tagged, () => 'all', count);
}

function tagsOf({ id }: Passage, words: readonly string[]): TaggedSentence {
  const isName = words.map((word, place) => place > 0 && isCapitalised(word));
  return {
    id,
    words: words.map((word) => word.toLowerCase()),
    tags: isName.map((name, place) => {
      if (!name) return 'O';
      return isName[place - 1] ? 'I-NAME' : 'B-NAME';
    }),
  };
}

/** Whole words with their apostrophes, hyphens and dots, numbers, and each mark of its own. */
function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+(?:['’.,-][\p{L}\p{N}]+)*|\S/gu) ?? [];
}

function isCapitalised(word: string): boolean {
  return /^\p{Lu}/u.test(word) && word !== 'I' && !/^I['’]/.test(word);
}

/** Of 6 to 30 words, with a name, no heading in capitals, and nothing after whose mark a capital letter would say little. */
function isSound(words: readonly string[]): boolean {
  return (
    words.length >= 6 &&
    words.length <= 30 &&
    words.slice(1).some(isCapitalised) &&
    words.every((word) => !/\p{Lu}{4}/u.test(word)) &&
    words.slice(1, -1).every((word) => !/^[."“”:;?!()[\]—–-]/u.test(word))
  );
}

/** Words that are in lower case inside sentences at least twenty times, and twenty times as often as not. */
function plainWordsOf(speeches: readonly Speech[]): Set<string> {
  const counts = new Map<string, { lower: number; upper: number }>();
  for (const speech of speeches)
    for (const { text } of speech.sentences)
      for (const word of wordsOf(text).slice(1)) {
        const key = word.toLowerCase();
        const count = counts.get(key) ?? { lower: 0, upper: 0 };
        if (key === word) count.lower++;
        else count.upper++;
        counts.set(key, count);
      }
  const isPlain = (count: { lower: number; upper: number }): boolean =>
    count.lower >= 20 && count.lower >= 20 * count.upper;
  return new Set([...counts].filter(([, count]) => isPlain(count)).map(([word]) => word));
}
