import {
  taskOfRun,
  type MemberInfo,
  type MetricsLine,
  type NetworkReport,
  type RunRecord,
  type View,
} from '@berth/contracts';
import { linkOf, lowestMs, trafficOfLinks } from '@berth/collectives';

/** What a run's network is described from. */
export interface NetworkSnapshot {
  readonly view: View | undefined;
  /** Those of the run that live. */
  readonly members: readonly MemberInfo[];
  /** Its newest steps, oldest first. */
  readonly steps: readonly MetricsLine[];
}

/**
 * What the links of a view's members allow, and how long its steps wait for the sum. Undefined where its members share one link or are
 * not all there, where no link's speed is known, and where nobody says how much is summed.
 */
export function networkReportOf(
  run: RunRecord,
  { view, members, steps }: NetworkSnapshot,
): NetworkReport | undefined {
  const seated = (view?.members ?? []).map((member) => ({
    link: linkOf(member),
    info: members.find(({ memberId }) => memberId === member.memberId),
  }));
  const speeds = new Map<string, number>();
  for (const { link, info } of seated)
    if (info?.linkBitsPerSecond !== undefined)
      speeds.set(link, Math.min(info.linkBitsPerSecond, speeds.get(link) ?? Infinity));
  const length = seated.find(({ info }) => info?.numSumElements)?.info?.numSumElements;
  const numLinks = new Set(seated.map(({ link }) => link)).size;
  const isWhole = seated.every(({ info }) => info !== undefined);
  if (view === undefined || length === undefined || numLinks < 2 || speeds.size === 0 || !isWhole)
    return undefined;
  const unknown = seated.flatMap(({ link, info }) =>
    info === undefined || speeds.has(link) ? [] : [info.memberId],
  );
  const shape = {
    dtype: run.config.train.allReduceDtype,
    length,
    numExact: taskOfRun(run).sums.length,
  };
  return {
    numMembers: seated.length,
    numLinks,
    waitMs: medianOf(steps.filter(({ step }) => step > view.fromStep)),
    lowest: unknown.length > 0 ? null : slowest(trafficOfLinks(view, shape), speeds),
    unknown,
  };
}

/** The link that takes longest, and how long at best: how far it is to the others nobody has told. */
function slowest(
  traffic: ReturnType<typeof trafficOfLinks>,
  speeds: ReadonlyMap<string, number>,
): NetworkReport['lowest'] {
  const links = [...traffic].flatMap(([link, carried]) => {
    const bitsPerSecond = speeds.get(link);
    if (bitsPerSecond === undefined) return [];
    const { sent, received } = carried;
    const numBytes = Math.max(
      sent.reduceScatter + sent.allGather,
      received.reduceScatter + received.allGather,
    );
    return [{ ms: lowestMs([carried], { bitsPerSecond, oneWayMs: 0 }), numBytes, bitsPerSecond }];
  });
  return links.toSorted((a, b) => b.ms - a.ms)[0] ?? null;
}

function medianOf(steps: readonly MetricsLine[]): number | null {
  const waits = steps.flatMap(({ reduceMs }) => reduceMs ?? []).sort((a, b) => a - b);
  return waits[Math.floor(waits.length / 2)] ?? null;
}
