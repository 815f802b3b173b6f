import type { JSX } from 'preact';
import { plural } from '../format.ts';
import { cluster } from '../state/live.ts';
import { Icon } from './icon.tsx';

/** The services and the machines behind the runs, in a few words; more on hover and focus. */
export function ClusterHealth(): JSX.Element | null {
  const report = cluster.value;
  if (report === null) return null;
  const alive = report.workers.filter(({ state }) => state !== 'lost');
  const idle = alive.filter(({ runId }) => runId === null).length;
  const isOk = report.redis.isOk && report.store.isOk;
  const word = isOk
    ? plural(alive.length, 'worker')
    : report.redis.isOk
      ? 'Store down'
      : 'Redis down';
  return (
    <span class="tip-anchor health">
      <button
        type="button"
        class={`health-button ${isOk ? 'good' : 'bad'}`}
        aria-describedby="health-tip"
      >
        <Icon name={isOk ? 'worker' : 'warning'} />
        {word}
      </button>
      <span class="tip wide" role="tooltip" id="health-tip">
        <span>
          Redis: {report.redis.isOk ? 'ok' : 'down'} · {report.redis.detail}
        </span>
        <span>
          Store: {report.store.isOk ? 'ok' : 'down'} · {report.store.detail}
        </span>
        <span>
          {plural(alive.length, 'worker')}, {idle} idle
        </span>
        <span>
          Coordinator {report.coordinatorId}
          {report.isLeader ? '' : ', standing by'} · berth {report.version}
        </span>
      </span>
    </span>
  );
}
