import {
  leaveOrderSchema,
  memberInfoSchema,
  readJson,
  type LeaveOrder,
  type MemberInfo,
  type Reading,
} from '@berth/contracts';
import { memberTtlMs } from '@berth/protocol';
import type { RedisConnection } from '../connection/connection.ts';
import { listenForHints, type Hints } from '../connection/hints.ts';
import { globalKeys } from '../connection/keys.ts';
import { heartbeatScript, listMembersScript, orderScript } from './lua/members.ts';

export interface LiveMember {
  readonly info: MemberInfo;
  /** Time since its last heartbeat, by the clock of Redis. */
  readonly ageMs: number;
}

/** A live member whose heartbeat cannot be read, as it comes from another release. */
export interface UnreadableMember {
  readonly memberId: string;
  /** What of it cannot be read. */
  readonly problem: string;
}

/** Who is alive, by heartbeat. */
export interface Members {
  /**
   * Called by the member itself, every 200 ms or so.
   * @param options.isNews - whether those who wait for news are told. @defaultValue false
   * @returns what it was told by `order`, again and again until it leaves
   */
  heartbeat(
    info: MemberInfo,
    options?: { readonly isNews: boolean },
  ): Promise<LeaveOrder | undefined>;
  /** Tells a member to leave, which hears it with its next heartbeat. @returns false when there is no such member */
  order(memberId: string, order: LeaveOrder): Promise<boolean>;
  /**
   * Members seen within the time to live, by id; the others are forgotten.
   * @param options.forget - false to list those as well, and forget none. @defaultValue true
   */
  list(options?: { readonly forget: boolean }): Promise<LiveMember[]>;
  /** As `list`, with those whose heartbeat cannot be read. */
  survey(options?: {
    readonly forget: boolean;
  }): Promise<{ readonly live: LiveMember[]; readonly unreadable: UnreadableMember[] }>;
  leave(memberId: string): Promise<void>;
  /** Hints that a member has news, until the signal. */
  news(signal: AbortSignal): Hints;
}

/** More than a heartbeat can need; all are read again and again by the loop that keeps the lease. */
const maxHeartbeatLength = 65_536;

function readHeartbeat(text: string): Reading<MemberInfo> {
  if (text.length <= maxHeartbeatLength) return readJson(memberInfoSchema, text);
  const [length, limit] = [text.length, maxHeartbeatLength].map((count) =>
    count.toLocaleString('en'),
  );
  return { ok: false, problem: `it has ${length} characters, more than ${limit}` };
}

/** @param options.ttlMs - a member not seen for this long is dead. @defaultValue `memberTtlMs` */
export function createMembers(
  connection: RedisConnection,
  { ttlMs = memberTtlMs }: { readonly ttlMs?: number } = {},
): Members {
  const { members, membersSeen, membersListed, membersOrders } = globalKeys;
  const listKeys = [members, membersSeen, membersListed, membersOrders];

  const survey: Members['survey'] = async ({ forget } = { forget: true }) => {
    const parameters = [ttlMs, forget ? '1' : '0'];
    const reply = (await connection.run(listMembersScript, listKeys, parameters)) as (
      | string
      | number
    )[];
    const live: LiveMember[] = [];
    const unreadable: UnreadableMember[] = [];
    for (let i = 0; i < reply.length; i += 3) {
      const memberId = String(reply[i]);
      const reading = readHeartbeat(String(reply[i + 1]));
      if (reading.ok) live.push({ info: reading.value, ageMs: Number(reply[i + 2]) });
      else unreadable.push({ memberId, problem: reading.problem });
    }
    live.sort((a, b) => (a.info.memberId < b.info.memberId ? -1 : 1));
    return { live, unreadable };
  };

  return {
    async heartbeat(info, { isNews } = { isNews: false }) {
      const channel = isNews ? globalKeys.membersHints : '';
      const order = await connection.run(
        heartbeatScript,
        [members, membersSeen, membersOrders],
        [info.memberId, JSON.stringify(info), channel],
      );
      if (typeof order !== 'string') return undefined;
      const reading = readJson(leaveOrderSchema, order);
      return reading.ok ? reading.value : undefined;
    },
    async order(memberId, order) {
      const parameters = [memberId, JSON.stringify(order)];
      return (await connection.run(orderScript, [members, membersOrders], parameters)) === 1;
    },
    list: async (options) => (await survey(options)).live,
    survey,
    async leave(memberId) {
      await connection.call((client) =>
        client
          .multi()
          .hdel(members, memberId)
          .zrem(membersSeen, memberId)
          .hdel(membersOrders, memberId)
          .publish(globalKeys.membersHints, memberId)
          .exec(),
      );
    },
    news: (signal) => listenForHints(connection, globalKeys.membersHints, signal),
  };
}
