import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { splitSentences } from '@berth/data';

export interface Speech {
  /** As the corpus has it: year, president and party. */
  readonly id: string;
  readonly text: string;
  readonly sentences: readonly Passage[];
  readonly year: number;
  readonly president: string;
  /** One of each four speeches of a president is kept for evaluation: nothing of it is learnt from, labels or text. */
  readonly isForEval: boolean;
}

/** Something to be labelled, and where it is from. */
export interface Passage {
  /** The speech's and the number of the first sentence in it. */
  readonly id: string;
  readonly text: string;
}

const corpusFile = fileURLToPath(new URL('../../../../../corpus/sotu.jsonl.gz', import.meta.url));

/** The shipped State of the Union speeches, oldest first. */
export async function readSpeeches(): Promise<Speech[]> {
  const lines = gunzipSync(await readFile(corpusFile))
    .toString()
    .trim()
    .split('\n');
  const numSeen = new Map<string, number>();
  return lines.map((line) => {
    const { id, text } = JSON.parse(line) as { id: string; text: string };
    const [year, ...words] = id.split('_').slice(0, -1);
    const president = words.map(capitalised).join(' ');
    const number = numSeen.get(president) ?? 0;
    numSeen.set(president, number + 1);
    return {
      id,
      text,
      sentences: sentencesOf(id, text),
      year: Number(year),
      president,
      isForEval: number % 4 === 2,
    };
  });
}

/** What a speech is made of. */
export function sentencesOf(id: string, text: string): Passage[] {
  return splitSentences(text).map((sentence, number) => ({
    id: `${id}-${number}`,
    text: sentence,
  }));
}

/** Number of words between spaces. */
export function numWordsOf(text: string): number {
  return text.split(' ').length;
}

/** At most `perGroup` of each group, in an order that is by chance, but always the same, whatever else there is. */
export function drawn<T extends { readonly id: string }>(
  items: readonly T[],
  groupOf: (item: T) => string,
  perGroup: number,
): T[] {
  const numTaken = new Map<string, number>();
  return items
    .map((item) => ({ item, place: createHash('sha256').update(item.id).digest('hex') }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ item }) => item)
    .filter((item) => {
      const group = groupOf(item);
      const number = numTaken.get(group) ?? 0;
      numTaken.set(group, number + 1);
      return number < perGroup;
    });
}

function capitalised(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
