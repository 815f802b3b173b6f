import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint } from '../byte-source.ts';

/** What goes wrong with the bytes that a member sends, on each connection that is made through the proxy. */
export interface Faults {
  /** Sent before the member's first byte. */
  readonly inject?: Uint8Array;
  /** After this many bytes the connection breaks. */
  readonly cutAfterBytes?: number;
  /** After this many bytes nothing arrives any more. */
  readonly stallAfterBytes?: number;
  /** This byte arrives changed. */
  readonly corruptByte?: number;
  /** Pause before each piece is passed on. */
  readonly delayMs?: number;
}

export interface FaultProxy {
  readonly endpoint: Endpoint;
  close(): void;
}

/** A TCP proxy in front of a member. */
export async function startFaultProxy(target: Endpoint, faults: Faults): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((dialler) => {
    const member = connect(target);
    for (const socket of [dialler, member]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        dialler.destroy();
        member.destroy();
      });
    }
    dialler.on('data', (bytes) => member.write(bytes));
    void relay(member, dialler, faults).catch(() => dialler.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  return {
    endpoint: { host: '127.0.0.1', port: address.port },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const forever = new Promise<never>(() => {});

async function relay(from: Socket, to: Socket, faults: Faults): Promise<void> {
  const { inject, cutAfterBytes = Infinity, stallAfterBytes = Infinity, corruptByte } = faults;
  if (inject !== undefined) to.write(inject);
  let numBytes = 0;
  if (cutAfterBytes === 0) return void to.destroy();
  for await (const piece of from as AsyncIterable<Buffer>) {
    if (faults.delayMs !== undefined) await delay(faults.delayMs);
    const limit = Math.min(cutAfterBytes, stallAfterBytes) - numBytes;
    const passed = Buffer.from(piece.subarray(0, Math.max(0, limit)));
    if (corruptByte !== undefined && corruptByte >= numBytes) {
      const at = corruptByte - numBytes;
      if (at < passed.length) passed[at] = passed[at]! ^ 0x40;
    }
    numBytes += piece.length;
    await new Promise((resolve) => to.write(passed, resolve));
    if (numBytes >= cutAfterBytes) return void to.destroy();
    if (numBytes >= stallAfterBytes) await forever;
  }
}
