/** A line in a text. */
export interface LinePlace {
  /** Where its end, LF, CR LF or CR, begins; that of the text where it has none. */
  readonly end: number;
  /** Where the line after it begins. */
  readonly next: number;
}

/**
 * Finds lines in a text, asked for from its beginning to its end.
 * @returns the line that begins at a place
 */
export function createLineFinder(text: string): (start: number) => LinePlace {
  if (!text.includes('\r'))
    return (start) => {
      const end = text.indexOf('\n', start);
      return end === -1 ? { end: text.length, next: text.length } : { end, next: end + 1 };
    };
  const lineEnd = /[\r\n]/g;
  // CRs before this place are not followed by LF, each ends a line.
  let singleUntil = 0;
  return (start) => {
    lineEnd.lastIndex = start;
    const end = lineEnd.exec(text)?.index ?? text.length;
    if (text[end] !== '\r' || end < singleUntil) return { end, next: Math.min(end + 1, text.length) };
    let after = end;
    while (text[after] === '\r') after += 1;
    // More than one CR before an LF comes of line ends converted twice.
    if (text[after] === '\n') return { end, next: after + 1 };
    singleUntil = after;
    return { end, next: end + 1 };
  };
}

/** All lines of a text, without their ends. */
export function linesOf(text: string): string[] {
  const find = createLineFinder(text);
  const lines: string[] = [];
  for (let start = 0; start < text.length; ) {
    const { end, next } = find(start);
    lines.push(text.slice(start, end));
    start = next;
  }
  return lines;
}
