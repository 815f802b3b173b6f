import { statfs } from 'node:fs/promises';

/** A folder and the space on its disk, for people: `/data/s3 (0 B of 200 MB free)`. */
export async function describeSpace(folder: string): Promise<string> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return `${folder} (${formatBytes(bavail * bsize)} of ${formatBytes(blocks * bsize)} free)`;
  } catch {
    return folder;
  }
}

/** `12 B`, `1.5 MB`: to two digits or whole. */
export function formatBytes(numBytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(Math.max(1, numBytes)) / 3), units.length - 1);
  const value = numBytes / 1_000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power] ?? ''}`;
}
