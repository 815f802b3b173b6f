import type { PrepareProgress } from '@berth/data';

const everyMs = 1_000;

/**
 * Puts the progress of a dataset into words, when it begins another activity and else at most once a second.
 * @param tell - told, for people
 * @param now - the time, in milliseconds
 */
export function sayHowFar(
  tell: (words: string) => void,
  now: () => number = () => performance.now(),
): (progress: PrepareProgress) => void {
  let [lastMs, beganMs, last] = [-Infinity, 0, ''];
  return ({ activity, numBytesRead, numBytes }) => {
    const nowMs = now();
    if (activity !== last) [lastMs, beganMs, last] = [-Infinity, nowMs, activity];
    if (nowMs - lastMs < everyMs) return;
    lastMs = nowMs;
    if (numBytesRead === null) {
      tell(activity);
      return;
    }
    const percent = Math.floor((100 * numBytesRead) / Math.max(1, numBytes));
    const size = `${(numBytes / 1e6).toFixed(1)} MB`;
    const speed = numBytesRead / 1e3 / (nowMs - beganMs);
    const rate = numBytesRead > 0 && nowMs > beganMs ? `, ${speed.toFixed(1)} MB/s` : '';
    tell(`reading the corpus: ${percent} % of ${size}${rate} (${activity})`);
  };
}
