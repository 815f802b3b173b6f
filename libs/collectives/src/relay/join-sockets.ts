import type { Socket } from 'node:net';

/** For what is on its way when one end has closed. */
const closeGraceMs = 1_000;

/**
 * Makes one connection of two: what comes from either goes to the other, at the pace of the slower, and the end of either ends both.
 * @param onBytes - told of what has come
 * @returns resolves once both have ended
 */
export async function joinSockets(
  sockets: readonly [Socket, Socket],
  onBytes: (numBytes: number) => void,
): Promise<void> {
  const [a, b] = sockets;
  await Promise.all([pass(a, b, onBytes), pass(b, a, onBytes)]);
}

function pass(from: Socket, to: Socket, onBytes: (numBytes: number) => void): Promise<void> {
  return new Promise((resolve) => {
    const ended = (): void => {
      to.destroySoon();
      setTimeout(() => to.destroy(), closeGraceMs).unref();
      resolve();
    };
    if (from.closed) return ended();
    from.once('close', ended);
    from.on('data', (bytes: Buffer) => onBytes(bytes.length));
    from.pipe(to);
  });
}
