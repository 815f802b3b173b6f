/** From here on a clock that differs is told of: less is the measurement's, or nobody's trouble. */
export const tolerableSkewMs = 5_000;

/** `63 s behind Redis'`, of a clock that is so far ahead. */
export function skewText(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  return `${seconds.toLocaleString('en')} s ${aheadMs < 0 ? 'behind' : 'ahead of'} Redis'`;
}

/** What a process says of the clock of its machine; undefined where it is near enough. */
export function skewWarning(aheadMs: number): string | undefined {
  if (Math.abs(aheadMs) < tolerableSkewMs) return undefined;
  return (
    `The clock of this machine is ${skewText(aheadMs)}: times in its logs, metrics and charts are off by that, and certificates and ` +
    'keys that expire go by it. Set the clocks by NTP: timedatectl set-ntp true'
  );
}
