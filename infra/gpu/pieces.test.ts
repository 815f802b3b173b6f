import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { layOut, writePieces } from './pieces.mjs';

const unpackProgram = fileURLToPath(new URL('unpack.py', import.meta.url));

describe('pieces', () => {
  it('are full but the last, in the order of the archives', () => {
    const archives = [
      { name: 'a', sizeBytes: 30 },
      { name: 'b', sizeBytes: 150 },
    ];
    expect(layOut(archives, 64 * 2 ** 10 + 100)).toEqual([
      { archive: 'a', piece: '01', startBytes: 0, endBytes: 30 },
      { archive: 'b', piece: '01', startBytes: 0, endBytes: 70 },
      { archive: 'b', piece: '02', startBytes: 70, endBytes: 150 },
    ]);
  });

  it('are put together again, and a damaged or missing one is named', async () => {
    const work = mkdtempSync(join(tmpdir(), 'berth-pieces-'));
    onTestFinished(() => rmSync(work, { recursive: true }));
    const archiveOf = (name: string, content: Buffer): string => {
      mkdirSync(join(work, name));
      writeFileSync(join(work, name, `${name}.bin`), content);
      const file = join(work, `${name}.tar.xz`);
      execFileSync('tar', ['-C', join(work, name), '-cJf', file, '.']);
      return file;
    };
    const noise = Buffer.from(
      Array.from({ length: 5000 }, (_, index) => (index * index * 31) >> 5),
    );
    const reversed = Buffer.from(noise).reverse();
    const folder = join(work, 'pieces');
    const { numPieces } = await writePieces(
      [
        { name: 'first', file: archiveOf('first', noise), isNeeded: true },
        { name: 'second', file: archiveOf('second', reversed), isNeeded: false },
      ],
      { folder, limitBytes: 64 * 2 ** 10 + 1500 },
    );
    expect(numPieces).toBeGreaterThan(3);
    const unpack = (target: string) =>
      spawnSync('python3', [unpackProgram, folder, join(work, target)], { encoding: 'utf8' });

    expect(unpack('all')).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(work, 'all/first.bin'))).toEqual(noise);
    expect(readFileSync(join(work, 'all/second.bin'))).toEqual(reversed);

    const last = readdirSync(folder).toSorted().at(-1) ?? '';
    rmSync(join(folder, last), { recursive: true });
    expect(unpack('without-last')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /first: there\n.*second: 1 of \d+ chunks are missing/,
      ) as string,
    });
    writeFileSync(join(folder, '01/first.0'), 'damaged');
    expect(unpack('damaged')).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/first: 1 of \d+ chunks .*01\/first\.0/) as string,
    });
  });
});
