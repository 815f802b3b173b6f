/** A segment of a text, or a stretch of a long one. */
export interface SegmentPart {
  readonly text: string;
  /** Whether it is the beginning of the segment; of one that is no shorter, it has at least 1,024 characters. */
  readonly isBeginning: boolean;
}

/** Segments a text that comes in pieces, by UAX 29. */
export interface WindowedSegmenter {
  add(text: string): SegmentPart[];
  /** @returns the rest; then another text may begin */
  end(): SegmentPart[];
}

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Characters segmented at a time. On Node 20 each segment costs time in proportion to the whole text it is in. */
const windowLength = 1 << 12;
/** A window that has come to be so long, without an end of a sentence, a letter or a digit, is cut anywhere. */
const maxWindowLength = 1 << 20;
const leastBeginning = 1 << 10;

/**
 * Finds the segments of the whole text in windows. What comes before a boundary does not matter to those after it.
 * What comes after it may: until the next boundary, because no rule of UAX 29 looks beyond the end of the sentence that
 * follows. So the last boundary of a window is not trusted, and the next window begins at the one before it. Where there is
 * none, it begins at a letter or digit, as nothing before one matters to a boundary after it; that there is no boundary is
 * certain.
 */
export function createWindowedSegmenter(): WindowedSegmenter {
  let pending = '';
  let length = windowLength;
  let isBeginning = true;

  const take = (isAll: boolean): SegmentPart[] => {
    const parts: SegmentPart[] = [];
    let start = 0;
    const push = (text: string, isWhole: boolean): void => {
      parts.push({ text, isBeginning });
      isBeginning = isWhole;
      start += text.length;
      length = windowLength;
    };
    while (isAll ? start < pending.length : start + length < pending.length) {
      const window = pending.slice(start, start + length);
      const isLast = start + length >= pending.length;
      const found = Array.from(segmenter.segment(window), ({ segment }) => segment);
      const certain = isLast ? found : found.slice(0, -2);
      for (const segment of certain) push(segment, true);
      if (certain.length > 0) continue;
      const end = found.length > 1 ? found[0]!.length : window.length;
      const cut = lastNeutral(window, end) ?? (length < maxWindowLength ? undefined : end);
      if (cut === undefined) length *= 2;
      else push(window.slice(0, cut), false);
    }
    pending = pending.slice(start);
    return parts;
  };

  return {
    add(text) {
      pending += text;
      return pending.length > length ? take(false) : [];
    },
    end() {
      const parts = take(true);
      [pending, length, isBeginning] = ['', windowLength, true];
      return parts;
    },
  };
}

/** Letters and digits that stand for themselves in the rules of UAX 29. */
const neutral = /^[\p{Lu}\p{Ll}\p{Lo}\p{Nd}]/u;

/** Where the last letter or digit before a place is. */
function lastNeutral(text: string, before: number): number | undefined {
  for (let at = before - 1; at >= leastBeginning; at -= 1)
    if (neutral.test(text.slice(at, at + 2))) return at;
  return undefined;
}
