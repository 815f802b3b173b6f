import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ByteSource } from './byte-source.ts';
import { randomNumbers } from '../testing/local-mesh.ts';

async function serve(socket: Socket, bytes: Buffer, random: () => number): Promise<void> {
  socket.on('error', () => {});
  for (let at = 0; at < bytes.length;) {
    const length = Math.ceil(random() ** 4 * 300_000);
    await new Promise((resolve) => socket.write(bytes.subarray(at, at + length), resolve));
    if (random() < 0.2) await delay(1);
    at += length;
  }
  socket.end();
}

/** A source of these bytes, which arrive in random pieces before the connection is closed. */
async function withSource(
  bytes: Buffer,
  seed: number,
  work: (source: ByteSource) => Promise<void>,
): Promise<void> {
  const server = createServer((socket) => void serve(socket, bytes, randomNumbers(seed)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const source = new ByteSource({ host: '127.0.0.1', port: address.port });
  try {
    await source.connected();
    await work(source);
  } finally {
    source.socket.destroy();
    server.close();
  }
}

const randomBytes = (length: number, seed: number): Buffer => {
  const random = randomNumbers(seed);
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(random() * 256)));
};

describe('ByteSource', () => {
  it.each([1, 2, 3, 4])(
    'loses no byte over reads and pauses of any size (seed %i)',
    async (seed) => {
      const bytes = randomBytes(3_000_000, seed);
      const random = randomNumbers(seed + 100);
      const received = Buffer.alloc(bytes.length);
      await withSource(bytes, seed, async (source) => {
        for (let at = 0; at < received.length;) {
          const length = Math.ceil(random() ** 6 * 400_000);
          await source.readInto(received.subarray(at, at + length));
          at += length;
          if (random() < 0.2) await delay(random() * 4);
        }
      });
      expect(received.equals(bytes)).toBe(true);
    },
  );

  it('rejects a read that the peer does not fill before it closes', async () => {
    await withSource(randomBytes(1000, 5), 5, async (source) => {
      await source.readInto(new Uint8Array(400));
      await expect(source.readInto(new Uint8Array(601))).rejects.toThrow(/closed/);
      await expect(source.readInto(new Uint8Array(1))).rejects.toThrow(/closed/);
    });
  });

  it('takes little more than was asked for from the kernel', async () => {
    await withSource(randomBytes(20_000_000, 6), 6, async (source) => {
      await source.readInto(new Uint8Array(10));
      await delay(100);
      expect(source.socket.bytesRead).toBeLessThan(200_000);
    });
  });
});
