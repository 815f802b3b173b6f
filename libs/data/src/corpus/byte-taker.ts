/** Takes bytes that come in blocks, as many at a time as are asked for. */
export interface ByteTaker {
  /** @returns undefined when there are fewer */
  take(numBytes: number): Promise<Buffer | undefined>;
  /** All that was not taken, behind these. */
  rest(before: Buffer): AsyncGenerator<Buffer>;
  /** Taken so far. */
  readonly numTaken: number;
}

export function createByteTaker(blocks: AsyncIterable<Buffer>): ByteTaker {
  const iterator = blocks[Symbol.asyncIterator]();
  let ready: Buffer[] = [];
  let numReady = 0;
  let numTaken = 0;
  return {
    get numTaken() {
      return numTaken;
    },
    async *rest(before) {
      yield before;
      yield* ready;
      yield* { [Symbol.asyncIterator]: () => iterator };
    },
    async take(numBytes) {
      while (numReady < numBytes) {
        const { value, done } = await iterator.next();
        if (done === true) return undefined;
        ready.push(value);
        numReady += value.length;
      }
      const [first] = ready;
      const all = first !== undefined && first.length >= numBytes ? first : Buffer.concat(ready);
      const rest = all === first ? ready.slice(1) : [];
      ready = [all.subarray(numBytes), ...rest];
      numReady -= numBytes;
      numTaken += numBytes;
      return all.subarray(0, numBytes);
    },
  };
}
