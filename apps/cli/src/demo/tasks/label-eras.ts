import type { LabelledText } from './label-presidents.ts';
import { drawn, numWordsOf, type Speech } from './speeches.ts';

/**
 * Before or after 1900? Single sentences of 8 to 40 words, as many of each. Those with digits are left out, and those with a capital
 * letter inside: who or what is named gives the time away.
 */
export function labelEras(speeches: readonly Speech[], perEra: number): LabelledText[] {
  const sentences = speeches
    .flatMap((speech) => {
      const label = speech.year < 1900 ? 'before 1900' : 'after 1900';
      return speech.sentences.map((sentence) => ({ ...sentence, label }));
    })
    .filter(({ text }) => isPlain(text));
  return drawn(sentences, ({ label }) => label, perEra);
}

function isPlain(text: string): boolean {
  const numWords = numWordsOf(text);
  const hasName = /.\b(?!I\b)\p{Lu}/u.test(text);
  return numWords >= 8 && numWords <= 40 && !hasName && !/\d/.test(text);
}
