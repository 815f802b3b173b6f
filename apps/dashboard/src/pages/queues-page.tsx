import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { QueueReport } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';
import { Chip, EmptyState, SkeletonRows } from '../components/parts.tsx';
import { formatCompact, formatCount, formatDuration, plural } from '../format.ts';
import { FailedJobs } from './failed-jobs.tsx';

const queues = signal<readonly QueueReport[] | null>(null);
const problem = signal<string | null>(null);

/** Queues are read, not streamed. */
const readEveryMs = 2000;

const states = ['waiting', 'active', 'delayed', 'failed', 'completed'] as const;

/** The job queues behind the runs. */
export function QueuesPage(): JSX.Element {
  useEffect(() => {
    void readQueues();
    const timer = setInterval(() => void readQueues(), readEveryMs);
    return () => clearInterval(timer);
  }, []);
  const all = queues.value;
  const failing = (all ?? []).filter(({ counts }) => counts.failed > 0);
  return (
    <div class="page">
      <header class="page-head">
        <div>
          <h1>Queues</h1>
          <p class="muted">Example shards are made ahead of training by jobs on Redis.</p>
        </div>
      </header>
      {all === null ? (
        problem.value === null ? (
          <SkeletonRows count={3} />
        ) : (
          <EmptyState icon="warning" title="The queues cannot be read">
            <p>{problem.value}</p>
          </EmptyState>
        )
      ) : all.length === 0 ? (
        <EmptyState icon="queue" title="No queues yet">
          <p>They appear with the first run.</p>
        </EmptyState>
      ) : (
        <div class="queue-grid">
          {all.map((queue) => (
            <QueueCard key={queue.name} queue={queue} />
          ))}
        </div>
      )}
      {failing.map((queue) => (
        <FailedJobs
          key={queue.name}
          queue={queue.name}
          numFailed={queue.counts.failed}
          onChange={() => void readQueues()}
        />
      ))}
    </div>
  );
}

function QueueCard({ queue }: { queue: QueueReport }): JSX.Element {
  const { name, counts, numWorkers, oldestWaitMs, numPerMinute } = queue;
  const total = states.reduce((sum, state) => sum + counts[state], 0);
  return (
    <section class="card queue" data-queue={name}>
      <header class="card-head">
        <h2>{name}</h2>
        {numWorkers === 0 && counts.waiting > 0 ? (
          <Chip look={{ icon: 'warning', word: 'No workers', tone: 'warn' }} />
        ) : (
          <span class="muted">{plural(numWorkers, 'worker')}</span>
        )}
      </header>
      <div class="queue-bar" aria-hidden="true">
        {states
          .filter((state) => counts[state] > 0)
          .map((state) => (
            <span
              key={state}
              class={`queue-part ${state}`}
              style={{ width: `${total === 0 ? 0 : (counts[state] / total) * 100}%` }}
            />
          ))}
      </div>
      <dl class="queue-counts">
        {states.map((state) => (
          <div key={state} class={state === 'failed' && counts.failed > 0 ? 'bad' : ''}>
            <dt>
              <span class={`queue-dot ${state}`} aria-hidden="true" />
              {state}
            </dt>
            <dd>{formatCount(counts[state])}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">
        {formatCompact(numPerMinute)} a minute ·{' '}
        {oldestWaitMs === null
          ? 'nothing waits'
          : `the oldest has waited ${formatDuration(oldestWaitMs)}`}
      </p>
    </section>
  );
}

async function readQueues(): Promise<void> {
  try {
    queues.value = await api.queues();
    problem.value = null;
  } catch (error) {
    problem.value = error instanceof ApiError ? error.message : String(error);
  }
}
