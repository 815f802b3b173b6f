import { drawn, numWordsOf, type Passage, type Speech } from './speeches.ts';

export interface LabelledText extends Passage {
  readonly label: string;
}

/** About forty years apart, with eight speeches or more each. */
const presidents = [
  'Thomas Jefferson',
  'Andrew Jackson',
  'Ulysses S Grant',
  'Theodore Roosevelt',
  'Franklin D Roosevelt',
  'Barack Obama',
];
/** Of a passage: so many are 64 tokens or less, mostly. */
const minWords = 35;

/**
 * Who spoke? Passages of six presidents, each of some sentences in a row; those with digits are left out, as years and sums give the time
 * away.
 * @param perPresident - most passages of each
 */
export function labelPresidents(speeches: readonly Speech[], perPresident: number): LabelledText[] {
  const passages = speeches
    .filter((speech) => presidents.includes(speech.president))
    .flatMap((speech) => passagesOf(speech).map((one) => ({ ...one, label: speech.president })));
  return drawn(passages, ({ label }) => label, perPresident);
}

function passagesOf(speech: Speech): Passage[] {
  const passages: Passage[] = [];
  let sentences: Passage[] = [];
  for (const sentence of speech.sentences) {
    if (/\d/.test(sentence.text)) {
      sentences = [];
      continue;
    }
    sentences.push(sentence);
    const text = sentences.map((one) => one.text).join(' ');
    if (numWordsOf(text) < minWords) continue;
    passages.push({ id: sentences[0]!.id, text });
    sentences = [];
  }
  return passages;
}
