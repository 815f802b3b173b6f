import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import {
  BerthError,
  heldOutHeaderSchema,
  sha256Hex,
  storedHeldOutRowSchema,
  type LabelledDataset,
  type ObjectStore,
  type StoredHeldOutRow,
} from '@berth/contracts';
import type { RowPlace } from '../../rows/row.ts';
import type { AnswerWindow } from '../answer/answer-windows.ts';
import type { Question } from '../answer/question.ts';
import type { TagExample } from '../tag/tag-examples.ts';
import type { TextExample } from './text-pairs.ts';

/** A text or a pair, cut for people. */
export interface TextRow {
  readonly place: RowPlace;
  readonly texts: readonly string[];
}

/** A sentence: its words, cut for people, and as {@link TagExample}. */
export interface WordRow extends Pick<TagExample, 'tags' | 'positions'> {
  readonly place: RowPlace;
  readonly words: readonly string[];
}

/** A window on the context of a question. */
export interface WindowRow {
  /** The same object in all rows of a question. */
  readonly question: Question;
  readonly contextAt: number;
  /** Of each token: characters between the one before and it, and its own. */
  readonly spans: readonly number[];
  /** A digit a token, 1 where it is so. */
  readonly isMaxContext: string;
}

/** What is kept of a held-out example for the eyes of people, and for metrics that need its text. */
export type HeldOutRow = TextRow | WordRow | WindowRow;

const maxTextLength = 1000;
const maxWordLength = 100;
/** Unpacked: more is no data set that anyone evaluates on, but a trap. */
const maxUnpackedBytes = 2 ** 30;

/** @param example - as the functions give it that make examples of rows */
export function heldOutRowOf(example: TextExample | TagExample | AnswerWindow): HeldOutRow {
  if ('texts' in example) {
    const { place, texts } = example;
    return { place, texts: texts.map((text) => cutText(text, maxTextLength)) };
  }
  if ('words' in example) {
    const { place, words, tags, positions } = example;
    return { place, words: words.map((word) => cutText(word, maxWordLength)), tags, positions };
  }
  const { question, contextAt, spans, isMaxContext } = example;
  return {
    question,
    contextAt,
    spans: spans.flatMap(({ start, end }, i) => [start - (spans[i - 1]?.end ?? 0), end - start]),
    isMaxContext: isMaxContext.map(Number).join(''),
  };
}

/** The window of a row, for `bestAnswer`. */
export function windowOfRow({
  question,
  contextAt,
  spans,
  isMaxContext,
}: WindowRow): Pick<AnswerWindow, 'question' | 'contextAt' | 'spans' | 'isMaxContext'> {
  let end = 0;
  const placed = Array.from({ length: spans.length / 2 }, (_, i) => {
    const start = end + spans[2 * i]!;
    end = start + spans[2 * i + 1]!;
    return { start, end };
  });
  return {
    question,
    contextAt,
    spans: placed,
    isMaxContext: Array.from(isMaxContext, (digit) => digit === '1'),
  };
}

/** No longer than `max` code units, and never half a character. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(max - 2)) ? max - 2 : max - 1;
  return `${text.slice(0, end)}…`;
}

/** The rows of the held-out examples, in their order, as an object of the bucket: gzip JSON lines. */
export async function packHeldOutRows(rows: readonly HeldOutRow[]): Promise<Uint8Array> {
  const header = { format: 'berth-held-out-rows/1', numRows: rows.length };
  let last: Question | undefined;
  const lines = rows.map((row): StoredHeldOutRow => {
    if (!('question' in row)) return row as StoredHeldOutRow;
    const { question, contextAt, spans, isMaxContext } = row;
    const window = { contextAt, spans: [...spans], isMaxContext };
    if (question === last) return window;
    const { place, id, context, answers } = question;
    const asked = {
      place,
      id,
      question: question.question,
      ...(context !== last?.context && { context }),
      answers: answers.map(({ start, end }): [number, number] => [start, end]),
    };
    last = question;
    return { question: asked, ...window };
  });
  const text = [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
  return promisify(gzip)(text);
}

/**
 * Verifies the bytes, then reads the rows that `packHeldOutRows` wrote.
 * @param name - of the object, for messages
 * @throws BerthError `DATA_SHARD_CORRUPT` when the bytes do not have this digest, or are no such rows
 */
export async function readHeldOutRows(
  bytes: Uint8Array,
  expectedSha256: string,
  name = 'held-out rows',
): Promise<HeldOutRow[]> {
  const corrupt = (what: string, cause?: unknown): BerthError =>
    new BerthError('DATA_SHARD_CORRUPT', `${name}: ${what}; delete it and make it again`, {
      cause,
    });
  if (sha256Hex(bytes) !== expectedSha256) throw corrupt(`sha256 is not ${expectedSha256}`);
  const rows: HeldOutRow[] = [];
  let numRows: number | undefined;
  let last: Question | undefined;
  try {
    for await (const line of unpackedLines(bytes)) {
      const value: unknown = JSON.parse(line);
      if (numRows === undefined) {
        ({ numRows } = heldOutHeaderSchema.parse(value));
        continue;
      }
      const row = storedHeldOutRowSchema.parse(value);
      if (!('isMaxContext' in row)) {
        rows.push(row);
        continue;
      }
      const { question, ...window } = row;
      if (question !== undefined) {
        const context = question.context ?? last?.context;
        if (context === undefined) throw new RangeError('the first question has no context');
        const answers = question.answers.map(([start, end]) => ({ start, end }));
        last = { ...question, context, answers };
      }
      if (last === undefined) throw new RangeError('the first window is of no question');
      rows.push({ question: last, ...window });
    }
  } catch (error) {
    throw corrupt(
      `cannot be read (${error instanceof Error ? error.message : String(error)})`,
      error,
    );
  }
  if (numRows === undefined) throw corrupt('is empty');
  if (rows.length !== numRows) throw corrupt(`has ${rows.length} rows instead of ${numRows}`);
  return rows;
}

/** Those of a dataset. @throws BerthError as `readHeldOutRows`, and what the store throws */
export async function readDatasetHeldOutRows(
  store: ObjectStore,
  { heldOutRows: part }: Pick<LabelledDataset, 'heldOutRows'>,
): Promise<HeldOutRow[]> {
  const bytes = await store.get(part.key, { maxBytes: part.sizeBytes });
  return readHeldOutRows(bytes, part.sha256, part.key);
}

/** Other work gets its turn between blocks. */
async function* unpackedLines(bytes: Uint8Array): AsyncGenerator<string> {
  // The callback takes the place of an error event; the error itself reaches the loop below.
  const unpacked = pipeline(Readable.from([bytes]), createGunzip(), () => {});
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let numBytes = 0;
  let partial = '';
  for await (const block of unpacked as AsyncIterable<Uint8Array>) {
    numBytes += block.length;
    if (numBytes > maxUnpackedBytes) throw new RangeError(`more than ${maxUnpackedBytes} bytes`);
    const lines = (partial + decoder.decode(block, { stream: true })).split('\n');
    partial = lines.pop()!;
    yield* lines;
  }
  if (partial !== '') yield partial;
}
