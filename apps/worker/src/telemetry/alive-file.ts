import { utimes, writeFile } from 'node:fs/promises';

const leastIntervalMs = 1_000;

/** A function to call with every sign of life; it sets the file's time, at most once a second. A full disk is no death. */
export function createAliveFile(file: string | undefined): () => Promise<void> {
  let lastMs = -Infinity;
  return async () => {
    const nowMs = performance.now();
    if (file === undefined || nowMs - lastMs < leastIntervalMs) return;
    lastMs = nowMs;
    const now = new Date();
    await utimes(file, now, now).catch(() => writeFile(file, '').catch(() => undefined));
  };
}
