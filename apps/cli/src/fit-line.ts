/** A part of a line that has to fit a terminal. */
export interface LinePart {
  readonly text: string;
  /** What is left of it where there is little room. */
  readonly short: string;
  /** Who goes first when there is no room for all; 0 goes first. */
  readonly rank: number;
  /** Shortened before it goes. */
  readonly isEssential: boolean;
}

/**
 * Joins parts into a line of at most so many characters: the others leave in the order of their rank, then the essential
 * ones become short, then they leave too.
 */
export function fitLine(parts: readonly LinePart[], width: number): string {
  let kept = parts;
  const long = (): string => kept.map(({ text }) => text).join('  ');
  const short = (): string => kept.map((part) => part.short).join(' ');
  for (;;) {
    if (long().length <= width) return long();
    const [least] = kept.filter(({ isEssential }) => !isEssential).sort(byRank);
    if (least === undefined) break;
    kept = kept.filter((part) => part !== least);
  }
  while (short().length > width && kept.length > 1) {
    const [least] = kept.toSorted(byRank);
    kept = kept.filter((part) => part !== least);
  }
  return cut(short(), width);
}

function byRank(a: LinePart, b: LinePart): number {
  return a.rank - b.rank;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}\u2026`;
}
