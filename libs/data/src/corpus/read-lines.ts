import { isAscii, isUtf8 } from 'node:buffer';
import { createLineFinder } from './line-ends.ts';
import type { OpenText } from './open-text.ts';
import { lineName, type LineStart, type Reading } from './reading.ts';
import { adviceFor, sampleBytes } from './text-encoding.ts';

/** A line of a text without its end, or a stretch of a long one. */
export interface Line extends LineStart {
  readonly text: string;
  /** Whether it is not the beginning of the line. */
  readonly isContinued: boolean;
  /** Whether it is not the end of the line. */
  readonly goesOn: boolean;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** A block may be nothing but ends of lines. */
const linesAtOnce = 1 << 12;

/**
 * The lines of a text, which end at LF, CR LF or CR, at most some thousand at a time. A byte order mark is dropped. Lines that are not
 * UTF-8 are reported and left out.
 * @param stretchBytes - longer lines come in stretches of about so many bytes
 * @throws what reading the text and reporting throw
 */
export async function* readLines(
  { blocks, start }: OpenText,
  reading: Reading,
  stretchBytes: number,
): AsyncGenerator<readonly Line[]> {
  const take = createLineTaker(reading, start);
  let partial: Buffer[] = [];
  let numPartialBytes = 0;
  const takeWith = (bytes: Buffer, goesOn: boolean): Generator<Line[]> => {
    const all = partial.length === 0 ? bytes : Buffer.concat([...partial, bytes]);
    [partial, numPartialBytes] = [[], 0];
    return take(all, goesOn);
  };
  for await (const block of blocks) {
    const end = endOfLastLine(block);
    if (end > 0) yield* takeWith(block.subarray(0, end), false);
    let rest = block.subarray(end);
    if (numPartialBytes + rest.length > stretchBytes) {
      const whole = wholeCharacters(rest);
      if (whole > 0) {
        yield* takeWith(rest.subarray(0, whole), true);
        rest = rest.subarray(whole);
      } else {
        // Nothing but CRs: so many are no end that was converted again and again.
        yield* takeWith(rest.subarray(0, -1), false);
        rest = rest.subarray(-1);
      }
    }
    if (rest.length > 0) partial.push(rest);
    numPartialBytes += rest.length;
  }
  if (numPartialBytes > 0) yield* takeWith(Buffer.alloc(0), false);
}

/** Where the last line that surely ends in this block ends; a CR at the end of the block may be half of an end. */
function endOfLastLine(block: Buffer): number {
  let last = block.length - 1;
  while (block[last] === carriageReturn) last -= 1;
  if (last < 0) return 0;
  const end = Math.max(block.lastIndexOf(lineFeed), block.lastIndexOf(carriageReturn, last));
  return end + 1;
}

/** Length of the beginning of a block that ends with a character, and not with a CR. */
function wholeCharacters(block: Buffer): number {
  let end = block.length;
  while (block[end - 1] === carriageReturn) end -= 1;
  let last = end - 1;
  while (last > end - 4 && (block[last]! & 0xc0) === 0x80) last -= 1;
  const lead = block[last] ?? 0;
  const numExpected = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return last + numExpected > end ? Math.max(0, last) : end;
}

/** Turns bytes, each time of whole lines or of whole characters of one, into lines; keeps count of where it is. */
function createLineTaker(
  reading: Reading,
  start: number,
): (bytes: Buffer, goesOn: boolean) => Generator<Line[]> {
  let offset = start;
  let lineStart = start;
  let number = 1;
  let isContinued = false;
  // Beyond ASCII, so that it tells.
  let isUtf8Before = false;

  const lineOf = (text: string, numBytes: number, goesOn: boolean): Line => {
    const line = { text, start: lineStart, number, isContinued, goesOn };
    offset += numBytes;
    isContinued = goesOn;
    if (!goesOn) {
      number += 1;
      lineStart = offset;
    }
    return line;
  };

  /** Has no bytes, which may be those of a line of 60 MiB, while lines are used. */
  function* sound(decoded: string, numAllBytes: number, goesOn: boolean): Generator<Line[]> {
    let text = decoded;
    // Of one byte a character, so that bytes need not be counted.
    const isOfBytes = text.length === numAllBytes;
    isUtf8Before ||= !isOfBytes;
    if (offset === 0 && text.startsWith('\ufeff')) {
      text = text.slice(1);
      offset = markBytes;
    }
    // The end of the file ends a line that was cut.
    if (text === '') {
      if (isContinued && !goesOn) yield [lineOf('', 0, false)];
      return;
    }
    let lines: Line[] = [];
    const find = createLineFinder(text);
    for (let from = 0; from < text.length; ) {
      const { end, next } = find(from);
      const line = text.slice(from, end);
      const numBytes = (isOfBytes ? line.length : Buffer.byteLength(line)) + next - end;
      lines.push(lineOf(line, numBytes, goesOn && next === end));
      from = next;
      if (lines.length < linesAtOnce) continue;
      yield lines;
      lines = [];
    }
    yield lines;
  }

  /** Reports lines that are no text, and leaves them out. */
  function* soundOnes(bytes: Buffer, goesOn: boolean): Generator<Line[]> {
    for (let from = 0, end = 0; from < bytes.length; from = end) {
      end = lineEnd(bytes, from);
      const line = bytes.subarray(from, end);
      const isCut = goesOn && end === bytes.length && line.at(-1) !== lineFeed;
      if (isUtf8(line)) {
        yield* sound(line.toString('utf8'), line.length, isCut);
        continue;
      }
      const place = { number, start: lineStart };
      const tail = goesOn ? undefined : cutCharacter(line);
      if (tail !== undefined && (isUtf8Before || tail.isSure)) reportCut(reading, place);
      else
        reportBytes(reading, place, isUtf8Before ? undefined : bytes.subarray(from, from + sampleBytes));
      const wasContinued = isContinued;
      const left = lineOf('', line.length, isCut);
      if (wasContinued && !isCut) yield [left];
    }
  }

  return (bytes, goesOn) =>
    isUtf8(bytes) ? sound(bytes.toString('utf8'), bytes.length, goesOn) : soundOnes(bytes, goesOn);
}

const markBytes = 3;

/**
 * Whether all that keeps the last line of a file, which has no end, from being UTF-8 is that its last character is cut. It is not sure of a
 * single byte after nothing but ASCII, which may as well be a letter of Windows-1252.
 */
function cutCharacter(line: Buffer): { readonly isSure: boolean } | undefined {
  const whole = wholeCharacters(line);
  const before = line.subarray(0, whole);
  if (whole === line.length || !isUtf8(before)) return undefined;
  return { isSure: line.length - whole > 1 || !isAscii(before) };
}

function reportCut(reading: Reading, place: LineStart): void {
  const problem = `the file ends inside a character, in ${lineName(reading, place)}: replace it with an intact copy`;
  reading.report(problem, { offset: place.start });
}

/** @param sample - bytes to give advice by, where there is no text before them that tells more */
function reportBytes(reading: Reading, place: LineStart, sample: Buffer | undefined): void {
  const what = `${lineName(reading, place)} is not UTF-8`;
  const problem =
    sample === undefined
      ? `${what}, while lines before it are: correct that line`
      : `${what}: ${adviceFor(sample)}`;
  reading.report(problem, { offset: place.start });
}

/** Where the line that starts here ends, with its end. */
function lineEnd(bytes: Buffer, start: number): number {
  const end = bytes
    .subarray(start)
    .findIndex((byte) => byte === lineFeed || byte === carriageReturn);
  if (end === -1) return bytes.length;
  const isPair = bytes[start + end] === carriageReturn && bytes[start + end + 1] === lineFeed;
  return start + end + (isPair ? 2 : 1);
}
