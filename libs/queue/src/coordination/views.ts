import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  isBerthError,
  readKnown,
  viewSchema,
  type NewRunEvent,
  type View,
} from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { listenForHints } from '../connection/hints.ts';
import { globalKeys, runKeys } from '../connection/keys.ts';
import { publishViewScript } from './lua/view.ts';
import type { ViewDraft } from '@berth/protocol';
import { eventTexts } from '../records/run-events.ts';
import { staleEpoch } from './stale-epoch.ts';

export interface SubscribeOptions {
  /** Ends the subscription. */
  readonly signal: AbortSignal;
  /** Between two looks; a hint makes the next look come at once. @defaultValue 200 */
  readonly pollMs?: number;
}

/** The sequence of a run's views. */
export interface Views {
  /**
   * Replaces the current view.
   * @param replaces - its version; 0 if there is none. If Redis has lost its data the next version is above this one all the same
   * @param events - what the change of views means, kept with it. @defaultValue none
   * @throws BerthError `QUEUE_STALE_EPOCH` when a newer coordinator is known, `QUEUE_VIEW_REPLACED` when another view is current
   */
  publish(draft: ViewDraft, replaces?: number, events?: readonly NewRunEvent[]): Promise<View>;
  current(): Promise<View | undefined>;
  /**
   * Waits for a view for which `accept` is true.
   * @throws BerthError `COORDINATOR_UNREACHABLE` when none comes in time
   */
  waitFor(accept: (view: View) => boolean, timeoutMs: number): Promise<View>;
  /**
   * Calls back with each view that is found current, each once, until the signal. While Redis is away it keeps
   * looking: whoever needs a deadline has one of its own.
   */
  subscribe(onView: (view: View) => void, options: SubscribeOptions): Promise<void>;
}

export function createViews(connection: RedisConnection, runId: string): Views {
  const keys = runKeys(runId);

  const current = async (): Promise<View | undefined> => {
    const fields = await connection.call((client) =>
      client.hmget(keys.view, 'json', 'version', 'fromStep', 'epoch'),
    );
    const [json, version, fromStep, epoch] = fields;
    if (typeof json !== 'string') return undefined;
    const place = { runId, version: Number(version), fromStep: Number(fromStep) };
    const reading = readKnown(viewSchema, { ...draftOf(json), ...place });
    if (reading.ok) return reading.value;
    // Nobody trains under it, and the next one replaces it.
    const reason = `view ${version} cannot be read: ${reading.problem}`;
    return { ...place, fencingEpoch: Number(epoch), mode: 'train', reason, members: [] };
  };

  return {
    current,

    async publish(draft, replaces = 0, events = []) {
      const members = draft.members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
      const sorted = { ...draft, members };
      const reply = await connection.run(
        publishViewScript,
        [globalKeys.lease, keys.view, keys.votes, keys.ledger, keys.events],
        [
          draft.fencingEpoch,
          replaces,
          JSON.stringify(sorted),
          JSON.stringify(members.map(({ memberId }) => memberId)),
          keys.hints,
          ...eventTexts(events),
        ],
      );
      const [kind, first, fromStep] = reply as ['published' | 'stale' | 'replaced', number, number];
      if (kind === 'stale') throw staleEpoch(`view of run ${runId}`, draft.fencingEpoch, first);
      if (kind === 'replaced')
        throw new BerthError(
          'QUEUE_VIEW_REPLACED',
          `run ${runId}: view ${first} is in force, not view ${replaces}; decide anew`,
          { details: { inForce: first, replaces } },
        );
      return { ...sorted, runId, version: first, fromStep };
    },

    async waitFor(accept, timeoutMs) {
      const deadlineMs = performance.now() + timeoutMs;
      for (;;) {
        const view = await current();
        if (view !== undefined && accept(view)) return view;
        if (performance.now() >= deadlineMs)
          throw new BerthError(
            'COORDINATOR_UNREACHABLE',
            `run ${runId}: no fitting view within ${timeoutMs} ms ` +
              `(current: ${view === undefined ? 'none' : view.version}); is a coordinator running?`,
          );
        await sleep(20);
      }
    },

    async subscribe(onView, { signal, pollMs = 200 }) {
      const hints = listenForHints(connection, keys.hints, signal);
      let seen = '';
      try {
        while (!signal.aborted) {
          const view = await current().catch(ignoreOutage);
          const name = view === undefined ? seen : `${view.fencingEpoch}.${view.version}`;
          if (view !== undefined && name !== seen) onView(view);
          seen = name;
          await hints.wait(pollMs);
        }
      } finally {
        hints.close();
      }
    },
  };
}

function draftOf(json: string): object {
  try {
    return JSON.parse(json) as object;
  } catch {
    return {};
  }
}

function ignoreOutage(error: unknown): undefined {
  if (isBerthError(error) && error.code === 'QUEUE_UNREACHABLE') return undefined;
  throw error;
}
