import { createHash } from 'node:crypto';
import { mkdir, open, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** @typedef {{ name: string, file: string, isNeeded: boolean }} Archive */

/**
 * A stretch of an archive in a piece.
 * @typedef {{ archive: string, piece: string, startBytes: number, endBytes: number }} Chunk
 */

/** For the list of what is in all pieces, which each has. */
const manifestBytes = 64 * 2 ** 10;

/**
 * Lays archives end to end into pieces that are full, in their order: who has the first pieces has the first archives.
 * @param {readonly { name: string, sizeBytes: number }[]} archives
 * @param {number} limitBytes - of a piece
 * @returns {Chunk[]}
 */
export function layOut(archives, limitBytes) {
  const roomBytes = limitBytes - manifestBytes;
  if (!(roomBytes > 0)) throw new RangeError(`a piece of ${limitBytes} bytes holds nothing`);
  let placeBytes = 0;
  return archives.flatMap(({ name, sizeBytes }) => {
    const chunks = [];
    for (let startBytes = 0; startBytes < sizeBytes;) {
      const leftBytes = roomBytes - (placeBytes % roomBytes);
      const endBytes = Math.min(sizeBytes, startBytes + leftBytes);
      const piece = String(Math.floor(placeBytes / roomBytes) + 1).padStart(2, '0');
      chunks.push({ archive: name, piece, startBytes, endBytes });
      placeBytes += endBytes - startBytes;
      startBytes = endBytes;
    }
    return chunks;
  });
}

/**
 * Cuts archives into pieces, each with a list of what is in all of them, for unpack.py.
 * @param {readonly Archive[]} archives
 * @param {{ folder: string, limitBytes: number }} options - the folder is emptied
 * @returns {Promise<{ numPieces: number, lastPieces: Record<string, string> }>} the piece that completes each archive
 */
export async function writePieces(archives, { folder, limitBytes }) {
  await rm(folder, { recursive: true, force: true });
  const sizes = archives.map(async ({ name, file }) => ({
    name,
    sizeBytes: (await stat(file)).size,
  }));
  const layout = layOut(await Promise.all(sizes), limitBytes);
  const manifest = {
    archives: archives.map(({ name, isNeeded }) => ({ name, isNeeded, chunks: [] })),
  };
  const lastPieces = {};
  for (const { archive, piece, startBytes, endBytes } of layout) {
    const { chunks } = manifest.archives.find(({ name }) => name === archive);
    const file = `${piece}/${archive}.${chunks.length}`;
    const data = await readStretch(archives.find(({ name }) => name === archive).file, {
      startBytes,
      endBytes,
    });
    await mkdir(join(folder, piece), { recursive: true });
    await writeFile(join(folder, file), data);
    chunks.push({ file, sha256: createHash('sha256').update(data).digest('hex') });
    lastPieces[archive] = piece;
  }
  const pieces = new Set(layout.map(({ piece }) => piece));
  for (const piece of pieces)
    await writeFile(join(folder, piece, 'manifest.json'), JSON.stringify(manifest));
  return { numPieces: pieces.size, lastPieces };
}

/**
 * @param {string} file
 * @param {{ startBytes: number, endBytes: number }} stretch
 */
async function readStretch(file, { startBytes, endBytes }) {
  const handle = await open(file);
  try {
    const data = Buffer.alloc(endBytes - startBytes);
    await handle.read(data, 0, data.length, startBytes);
    return data;
  } finally {
    await handle.close();
  }
}
