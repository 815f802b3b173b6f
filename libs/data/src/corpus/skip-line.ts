import type { OpenText } from './open-text.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** More of them, one after the other, are no end of a line that was converted again and again. */
const maxReturns = 1 << 20;

/**
 * A text without its first line, which may begin anywhere, even inside a character.
 * @param end - lines that begin there or later are not asked for: then the text may come back empty
 */
export async function skipLine({ blocks, start }: OpenText, end: number): Promise<OpenText> {
  const iterator = blocks[Symbol.asyncIterator]();
  let at = start;
  let pending: Buffer = Buffer.alloc(0);
  let isAll = false;
  while (!isAll && at < end) {
    const { value, done } = await iterator.next();
    isAll = done === true;
    pending = Buffer.concat([pending, value ?? Buffer.alloc(0)]);
    const lineEnd = firstLineEnd(pending);
    at += lineEnd;
    pending = pending.subarray(lineEnd);
    const next = firstLineStart(pending, isAll);
    if (next !== undefined) {
      const rest = pending.subarray(next);
      return {
        start: at + next,
        blocks: (async function* () {
          yield rest;
          yield* { [Symbol.asyncIterator]: () => iterator };
        })(),
      };
    }
  }
  return { start: at, blocks: (async function* () {})() };
}

/** Where the first end of a line begins. */
function firstLineEnd(bytes: Buffer): number {
  const ends = [bytes.indexOf(lineFeed), bytes.indexOf(carriageReturn)].filter((at) => at >= 0);
  return Math.min(bytes.length, ...ends);
}

/** Where a line begins in bytes that begin with the end of one; undefined while they do not tell. */
function firstLineStart(bytes: Buffer, isAll: boolean): number | undefined {
  const numReturns = bytes.findIndex((byte) => byte !== carriageReturn);
  if (numReturns === -1)
    return bytes.length > (isAll ? 0 : maxReturns) ? 1 : undefined;
  return bytes[numReturns] === lineFeed ? numReturns + 1 : 1;
}
