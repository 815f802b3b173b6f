/** Takes bytes that come in blocks, as many at a time as are asked for. */
export interface ByteTaker {
  /** @returns undefined when there are fewer */
  take(numBytes: number): Promise<Buffer | undefined>;
}

export function createByteTaker(blocks: AsyncIterable<Buffer>): ByteTaker {
  const iterator = blocks[Symbol.asyncIterator]();
  let ready: Buffer[] = [];
  let numReady = 0;
  return {
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
      return all.subarray(0, numBytes);
    },
  };
}
