import type { NetworkReport } from './network-report.ts';

/** What the links of a run's members allow, beside what was measured: a sentence for people. */
export function describeNetwork(network: NetworkReport): string {
  const { waitMs, lowest, unknown } = network;
  if (lowest === null)
    return `What the network allows is not known: ${nameSome(unknown)} ${unknown.length === 1 ? 'does' : 'do'} not know the speed of the link (BERTH_LINK_MBIT_PER_S).`;
  const load = `(${loadText(network, lowest)})`;
  const best = `network at best ${timeText(lowest.ms)}`;
  if (waitMs === null) return `A sum: ${best} ${load}.`;
  const hidden = waitMs < lowest.ms ? ', partly hidden behind computing' : '';
  return `Wait for the sum ${timeText(waitMs)}; ${best}${hidden} ${load}.`;
}

/** `1 Gbit/s`, `2.5 Gbit/s`, `100 Mbit/s`. */
export function linkSpeedText(bitsPerSecond: number): string {
  return bitsPerSecond >= 1e9
    ? `${short(bitsPerSecond / 1e9)} Gbit/s`
    : `${short(bitsPerSecond / 1e6)} Mbit/s`;
}

function loadText(
  { numMembers, numLinks }: NetworkReport,
  { numBytes, bitsPerSecond }: NonNullable<NetworkReport['lowest']>,
): string {
  const members = `${numMembers} members${numLinks === numMembers ? '' : ` on ${numLinks} links`}`;
  return `${members}, ${bytesText(numBytes)} each way, ${linkSpeedText(bitsPerSecond)}`;
}

function nameSome(memberIds: readonly string[]): string {
  const [first = ''] = memberIds;
  return memberIds.length === 1 ? first : `${first} and ${memberIds.length - 1} more`;
}

/** In thousands, as links are. */
function bytesText(numBytes: number): string {
  if (numBytes >= 1e9) return `${short(numBytes / 1e9)} GB`;
  return numBytes >= 1e6 ? `${short(numBytes / 1e6)} MB` : `${short(numBytes / 1e3)} kB`;
}

function timeText(ms: number): string {
  if (ms < 1_000) return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** Three digits, as few of them as are needed. */
function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
