import { readNumberedLines } from './read-text.ts';
import type { Row } from './row.ts';

/** Which columns of a CoNLL file are read; counted from 0, from the end if negative. */
export interface ConllColumns {
  /** @defaultValue 0 */
  readonly word?: number | undefined;
  /** @defaultValue -1 */
  readonly tag?: number | undefined;
}

/**
 * The sentences of a CoNLL file, as rows with `tokens` and `tags`: a word a line, its columns with tabs or spaces between, a blank line
 * after each sentence; lines of -DOCSTART- are passed over.
 */
export async function* readConllRows(
  path: string,
  { word = 0, tag = -1 }: ConllColumns = {},
): AsyncGenerator<Row> {
  let tokens: string[] = [];
  let tags: string[] = [];
  let start = 0;
  let problem: string | undefined;
  let numColumns: number | undefined;
  const finished = (): Row => {
    const values = { tokens, tags };
    const row = { place: { path, at: `line ${start}` }, values, ...(problem && { problem }) };
    [tokens, tags, problem] = [[], [], undefined];
    return row;
  };
  for await (const [number, line] of readNumberedLines(path)) {
    const isBlank = line.trim() === '';
    if (isBlank || line.startsWith('-DOCSTART-')) {
      if (tokens.length > 0) yield finished();
      continue;
    }
    const columns = line.trimEnd().split(line.includes('\t') ? '\t' : / +/);
    numColumns ??= columns.length;
    if (tokens.length === 0) start = number;
    if (columns.length !== numColumns)
      problem ??= `in line ${number} are ${columns.length} columns, and in the lines before it ${numColumns}: give each word a tag, and end sentences with a blank line`;
    tokens.push(columns.at(word) ?? '');
    tags.push(columns.length > 1 ? (columns.at(tag) ?? '') : '');
  }
  if (tokens.length > 0) yield finished();
}
