import type { JSX } from 'preact';
import { silenceLimitMs } from '../api/event-stream.ts';
import { formatAge, formatClock } from '../format.ts';
import { heardAtMs, loadError, nowMs, stream } from '../state/live.ts';
import { Icon } from './icon.tsx';

const words = {
  connecting: 'Connecting',
  live: 'Live',
  waiting: 'Offline',
  refused: 'No token',
} as const;

/** Whether the page shows what is going on right now. */
export function StreamLight(): JSX.Element {
  return (
    <span class={`stream ${stream.value}`} role="status">
      <span class="stream-dot" />
      {words[stream.value]}
    </span>
  );
}

/** A connection may break for so long before it is worth a banner: the next one is on its way. */
const graceMs = 1_500;

/** Says since when the page has been out of date, while it is. */
export function StaleBanner(): JSX.Element | null {
  if (stream.value === 'refused')
    return (
      <div class="banner" role="alert">
        <Icon name="warning" />
        The coordinator asks for a token: open the link that berth up or berth train printed.
      </div>
    );
  const silentMs = nowMs.value === 0 ? 0 : Date.now() - heardAtMs.value;
  if (silentMs < (stream.value === 'live' ? silenceLimitMs : graceMs)) return null;
  return (
    <div class="banner" role="alert">
      <Icon name="warning" />
      {loadError.value ?? 'No connection to the coordinator; training does not need it.'} Shown as
      of {formatClock(heardAtMs.value)}, {formatAge(silentMs)}. Trying again …
    </div>
  );
}
