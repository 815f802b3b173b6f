import type { PrepareProgress } from '@berth/data';

const everyMs = 1_000;

/**
 * Puts the progress of a dataset into words, at most once a second.
 * @param tell - told, for people
 */
export function sayHowFar(tell: (words: string) => void): (progress: PrepareProgress) => void {
  let lastMs = -Infinity;
  return ({ activity, numBytesRead, numBytes }) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < everyMs) return;
    lastMs = nowMs;
    const percent = Math.floor((100 * numBytesRead) / Math.max(1, numBytes));
    const [read, all] = [numBytesRead, numBytes].map((bytes) => (bytes / 1e6).toFixed(1));
    tell(`reading the corpus, ${activity}: ${read} of ${all} MB (${percent} %)`);
  };
}
