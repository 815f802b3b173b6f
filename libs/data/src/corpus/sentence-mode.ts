import { isBlankLine } from './blank-line.ts';
import { splitSentences } from './split-sentences.ts';

/** lines: one sentence a line; prose: sentences run over lines, or several share one. */
export type SentenceMode = 'lines' | 'prose';

/** Characters of a text that decide its mode. */
export const sampleLength = 1 << 18;

/** Characters that decide it where they have punctuation. */
const shortSampleLength = 1 << 14;

const endOfSentence = /[\p{Sentence_Terminal}:;…]["'”’)\]]*\s*$/u;

/**
 * The mode of a text, from its first lines: `lines` when most of those that are not blank hold exactly one sentence,
 * ending in punctuation, or when hardly a sentence ends inside a paragraph, so that only the lines tell sentences
 * apart. Otherwise `prose`.
 */
export function detectSentenceMode(allLines: readonly string[]): SentenceMode {
  // One blank line says as much as thousands, of which a text may have nothing but.
  const firstLines = allLines.filter((line, index) => line !== '' || allLines[index - 1] !== '');
  const lines = cutTo(firstLines, shortSampleLength);
  if (hasOneSentenceEach(lines)) return 'lines';
  // A table of contents may come before prose, so the long sample has to agree.
  return isUnpunctuated(lines) && isUnpunctuated(cutTo(firstLines, sampleLength)) ? 'lines' : 'prose';
}

function hasOneSentenceEach(lines: readonly string[]): boolean {
  const filled = lines.filter((line) => !isBlankLine(line));
  const single = filled.filter(
    (line) => endOfSentence.test(line) && splitSentences(line).length === 1,
  );
  return single.length * 2 > filled.length;
}

/** True when paragraphs, taken as prose, have less than one end of a sentence for ten ends of lines inside them. */
function isUnpunctuated(lines: readonly string[]): boolean {
  let numLineEnds = 0;
  let numSentenceEnds = 0;
  let paragraph: string[] = [];
  for (const line of [...lines, '']) {
    if (!isBlankLine(line)) paragraph.push(withoutItemNumber(line));
    else if (paragraph.length > 0) {
      numLineEnds += paragraph.length - 1;
      numSentenceEnds += splitSentences(paragraph.join(' ')).length - 1;
      if (endOfSentence.test(paragraph.at(-1) ?? '')) numSentenceEnds += 1;
      paragraph = [];
    }
  }
  return numSentenceEnds * 10 < numLineEnds;
}

/** The line without a number such as "12." that an item of a list begins with. */
function withoutItemNumber(line: string): string {
  return line.replace(/^\s*\d+[.)]\s/, '');
}

function cutTo(lines: readonly string[], numCharacters: number): string[] {
  const cut: string[] = [];
  let numLeft = numCharacters;
  for (const line of lines) {
    if (numLeft <= 0) break;
    cut.push(line.slice(0, numLeft));
    numLeft -= line.length;
  }
  return cut;
}
