import type { MemberInfo, NewRunEvent, RunRecord, View, WireError } from '@berth/contracts';
import { oddOf } from '../member/divergence.ts';
import type { ViewDraft } from './view-draft.ts';
import { whyWithout } from './why-without.ts';

/** What was last heard of members, by id. */
export type LastHeard = ReadonlyMap<string, NonNullable<NewRunEvent['lastHeard']>>;

/** What a change of a run's record says to people. */
export function eventsOfRecord(before: RunRecord, after: RunRecord): NewRunEvent[] {
  const place = placeOf(after, after.updatedAtMs);
  const events: NewRunEvent[] = [];
  const { rewind, checkpoint } = before.requests;
  if (rewind !== null && after.requests.rewind === null && after.status === before.status)
    events.push({ ...place, kind: 'rewound', text: `went back to step ${rewind.toStep}` });
  if (checkpoint && !after.requests.checkpoint && after.status === before.status)
    events.push({ ...place, kind: 'saved', text: after.reason });
  const { exported } = after;
  if (exported && exported.state !== 'writing' && before.exported?.state !== exported.state)
    events.push({ ...place, kind: 'exported', text: exported.text });
  if (after.status !== before.status)
    events.push({ ...place, kind: 'status', text: `${after.status}: ${after.reason}` });
  return events;
}

export interface ViewChange {
  readonly record: RunRecord;
  readonly timeMs: number;
  /** The view in force. */
  readonly before: View | undefined;
  readonly draft: ViewDraft;
  /** Who lives, as far as that was looked at: without it everyone is thought to. */
  readonly live?: readonly MemberInfo[] | undefined;
  readonly lastHeard: LastHeard;
}

/** Who joins, leaves and is lost by a new view. */
export function eventsOfView(change: ViewChange): NewRunEvent[] {
  const { record, timeMs, before, draft, live, lastHeard } = change;
  const place = placeOf(record, timeMs);
  const known = new Set(before?.members.map(({ memberId }) => memberId));
  const seated = new Set(draft.members.map(({ memberId }) => memberId));
  const joined = [...seated].filter((id) => !known.has(id));
  const gone = [...known].filter((id) => !seated.has(id));
  return [
    ...joined.map((memberId): NewRunEvent => ({
      ...place,
      kind: 'joined',
      memberId,
      text: `${memberId} joined`,
    })),
    ...gone.map((memberId): NewRunEvent => {
      const info = live?.find((member) => member.memberId === memberId);
      const why = whyWithout(memberId, draft.reason);
      const isBlamed = why !== draft.reason;
      if (info?.state === 'draining')
        return {
          ...place,
          kind: 'left',
          memberId,
          text: `${memberId} left: ${leftWhy(info.drain)}`,
        };
      if (!isBlamed && (live === undefined || info !== undefined))
        return { ...place, kind: 'left', memberId, text: `${memberId} left: ${draft.reason}` };
      const heard = lastHeard.get(memberId);
      const reason = isBlamed ? why : 'its heartbeats stopped';
      const lost = {
        ...place,
        kind: 'lost',
        memberId,
        text: `${memberId} lost: ${reason}`,
      } as const;
      return heard === undefined ? lost : { ...lost, lastHeard: heard };
    }),
  ];
}

/** That members were found to hold different states, and what follows. */
export function eventOfDivergence(
  record: RunRecord,
  timeMs: number,
  { message, details }: WireError,
  follows: string,
): NewRunEvent {
  const odd = oddOf({ details });
  const who = odd.length > 0 ? `${odd.join(', ')} has a damaged state` : 'A state is damaged';
  const text = `${who}, the run ${follows}: ${message}`;
  return { ...placeOf(record, timeMs), kind: 'diverged', text };
}

function placeOf({ attempts }: RunRecord, timeMs: number): Pick<NewRunEvent, 'attempt' | 'timeMs'> {
  return { attempt: attempts.at(-1)?.attempt ?? 1, timeMs };
}

function leftWhy(drain: MemberInfo['drain']): string {
  return drain === undefined ? 'it ended in order' : `told to leave (${drain.reason})`;
}
