import { createWindowedSegmenter, type SegmentPart } from './segment-windows.ts';
import { continues, ruleLengths } from './sentence-rules.ts';

/** Splits a text that comes in pieces into sentences. */
export interface SentenceSplitter {
  /** @returns the sentences that are complete by now */
  add(text: string): string[];
  /** @returns the rest; then another text may begin */
  end(): string[];
}

/** @param maxLength - characters; a longer sentence is cut where a word ends */
export function createSentenceSplitter(maxLength = Infinity): SentenceSplitter {
  const segmenter = createWindowedSegmenter();
  let sentence: string[] = [];
  let length = 0;
  let endOfSegment = '';

  const take = (parts: readonly SegmentPart[], isAll: boolean): string[] => {
    const sentences: string[] = [];
    const finish = (): void => {
      const text = sentence.join('').trim();
      if (text !== '') sentences.push(text);
      [sentence, length] = [[], 0];
    };
    for (const { text, isBeginning } of parts) {
      if (isBeginning && length > 0 && !continues(endOfSegment, text)) finish();
      sentence.push(text);
      length += text.length;
      endOfSegment = `${isBeginning ? '' : endOfSegment}${text.slice(-ruleLengths.before)}`.slice(
        -ruleLengths.before,
      );
      while (length > maxLength) {
        const [beginning, rest] = cutAtWord(sentence.join(''), maxLength);
        sentence = [beginning];
        finish();
        [sentence, length] = [[rest], rest.length];
      }
    }
    if (isAll) finish();
    return sentences;
  };

  return {
    add: (text) => take(segmenter.add(text), false),
    end: () => take(segmenter.end(), true),
  };
}

/** Characters among which the end of a word is looked for. */
const maxWordLength = 1 << 16;

/** Cuts a text in two, the first of at most `maxLength` characters, where a word ends if one does not far before that. */
export function cutAtWord(text: string, maxLength: number): readonly [string, string] {
  let end = maxLength;
  while (end > 0 && end > maxLength - maxWordLength && !/\s/.test(text[end] ?? '')) end -= 1;
  if (end <= maxLength - maxWordLength || end === 0) end = maxLength;
  // Not between the two halves of a character.
  if (end === maxLength && /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(end - 1, end + 1))) end -= 1;
  return [text.slice(0, end), text.slice(end)];
}
