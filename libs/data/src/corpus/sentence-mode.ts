import { splitSentences } from './split-sentences.ts';

/** lines: one sentence a line; prose: sentences run over lines, or several share one. */
export type SentenceMode = 'lines' | 'prose';

/** Characters of a text that decide its mode. */
export const sampleLength = 1 << 14;

const endOfSentence = /[.!?:;…。！？]["'”’)\]]*\s*$/u;

/**
 * The mode of a text, from its first lines: `lines` when most of those that are not blank hold exactly one
 * sentence, ending in punctuation; otherwise `prose`.
 */
export function detectSentenceMode(firstLines: readonly string[]): SentenceMode {
  const filled = firstLines.filter((line) => line.trim() !== '');
  const single = filled.filter(
    (line) => endOfSentence.test(line) && splitSentences(line).length === 1,
  );
  return single.length * 2 > filled.length ? 'lines' : 'prose';
}

/** The sentences of neighbouring lines. */
export function toSentences(lines: readonly string[], mode: SentenceMode): string[] {
  return mode === 'lines'
    ? lines.map((line) => line.trim()).filter((line) => line !== '')
    : splitSentences(lines.join(' '));
}
