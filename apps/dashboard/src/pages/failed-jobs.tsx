import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { JobReport } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { SkeletonRows } from '../components/parts.tsx';
import { formatAge, plural } from '../format.ts';
import { nowMs } from '../state/live.ts';
import { toast } from '../state/toasts.ts';

export interface FailedJobsProps {
  readonly queue: string;
  readonly numFailed: number;
  readonly onChange: () => void;
}

/** The jobs of a queue that failed, each with its reason and a button to try it again. */
export function FailedJobs({ queue, numFailed, onChange }: FailedJobsProps): JSX.Element {
  const jobs = useSignal<readonly JobReport[] | null>(null);
  const busy = useSignal<string | null>(null);
  const read = async (): Promise<void> => {
    jobs.value = await api.failedJobs(queue).catch(() => jobs.value);
  };
  useEffect(() => void read(), [queue, numFailed]);
  const retry = async ({ id }: JobReport): Promise<void> => {
    busy.value = id;
    try {
      await api.retryJob(queue, id);
      toast('good', `Job ${id} runs again`);
      jobs.value = (jobs.value ?? []).filter((job) => job.id !== id);
    } catch (error) {
      toast('bad', error instanceof ApiError ? error.message : String(error));
    }
    busy.value = null;
    onChange();
    await read();
  };
  return (
    <section class="card">
      <h2>
        {plural(numFailed, 'failed job')} of {queue}
      </h2>
      {jobs.value === null ? (
        <SkeletonRows count={2} />
      ) : (
        <ul class="jobs">
          {jobs.value.map((job) => (
            <li key={job.id} data-job={job.id}>
              <div>
                <p class="job-reason">{job.failedReason ?? 'No reason is recorded'}</p>
                <p class="muted">
                  <code>{job.id}</code> · {plural(job.numAttempts, 'attempt')} ·{' '}
                  {job.finishedAtMs === null ? '' : formatAge(nowMs.value - job.finishedAtMs)}
                </p>
                <details>
                  <summary>Data and stack</summary>
                  <pre>{[JSON.stringify(job.data, null, 2), ...job.stack].join('\n\n')}</pre>
                </details>
              </div>
              <Button
                icon="retry"
                name="retry"
                isBusy={busy.value === job.id}
                onClick={() => void retry(job)}
              >
                Retry
              </Button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
