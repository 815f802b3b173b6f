/** Does work that takes so many bytes of memory, when there is room for them. */
export type ByteGate = <T>(numBytes: number, work: () => Promise<T>) => Promise<T>;

/** A gate for so many bytes at a time, first come, first served; what takes more than all of them goes alone. */
export function createByteGate(maxBytes: number): ByteGate {
  const waiting: { readonly numBytes: number; readonly enter: () => void }[] = [];
  let numBytesIn = 0;
  const admit = (): void => {
    for (;;) {
      const [first] = waiting;
      if (first === undefined || (numBytesIn > 0 && numBytesIn + first.numBytes > maxBytes)) return;
      waiting.shift();
      numBytesIn += first.numBytes;
      first.enter();
    }
  };
  return async (numBytes, work) => {
    await new Promise<void>((enter) => {
      waiting.push({ numBytes, enter });
      admit();
    });
    try {
      return await work();
    } finally {
      numBytesIn -= numBytes;
      admit();
    }
  };
}
