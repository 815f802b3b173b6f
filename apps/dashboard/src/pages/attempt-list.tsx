import type { JSX } from 'preact';
import type { RunAttempt } from '@berth/contracts';
import { formatCount, formatDateTime, formatDuration } from '../format.ts';
import { nowMs } from '../state/live.ts';

export interface AttemptListProps {
  readonly attempts: readonly RunAttempt[];
  readonly step: number;
  readonly numSteps: number;
}

/** When a run was started and resumed, which steps each time made, and why it ended. */
export function AttemptList({ attempts, step, numSteps }: AttemptListProps): JSX.Element {
  return (
    <section class="card">
      <h2>Attempts</h2>
      <ol class="attempts">
        {attempts.toReversed().map((attempt) => (
          <li key={attempt.attempt} class={attempt.endedAtMs === null ? 'current' : ''}>
            <div class="attempt-text">
              <strong>Attempt {attempt.attempt}</strong>
              <span class="muted">
                {formatDateTime(attempt.startedAtMs)} ·{' '}
                {formatDuration((attempt.endedAtMs ?? nowMs.value) - attempt.startedAtMs)}
              </span>
              <p>{describe(attempt, step)}</p>
            </div>
            <AttemptBar attempt={attempt} step={step} numSteps={numSteps} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function describe(attempt: RunAttempt, step: number): string {
  const to = formatCount(attempt.toStep ?? step);
  const hasNone = (attempt.toStep ?? step) <= attempt.fromStep;
  const steps = hasNone
    ? `No step after ${formatCount(attempt.fromStep)}`
    : `Steps ${formatCount(attempt.fromStep)} to ${to}`;
  const end = attempt.endReason === null ? 'under way' : attempt.endReason;
  const branch =
    attempt.abandonedFromStep === null
      ? ''
      : ` What came after step ${formatCount(attempt.abandonedFromStep)} is a branch: a later attempt went on from there.`;
  return `${steps}: ${end}.${branch}`.replace('..', '.');
}

/** Which part of the run an attempt made; what it made in vain is hatched. */
function AttemptBar(props: {
  readonly attempt: RunAttempt;
  readonly step: number;
  readonly numSteps: number;
}): JSX.Element {
  const { attempt, step, numSteps } = props;
  const to = attempt.toStep ?? step;
  const kept = Math.min(to, attempt.abandonedFromStep ?? to);
  const percent = (value: number): string => `${(value / numSteps) * 100}%`;
  return (
    <div class="attempt-bar" aria-hidden="true">
      <span
        class="kept"
        style={{
          left: percent(attempt.fromStep),
          width: percent(Math.max(0, kept - attempt.fromStep)),
        }}
      />
      {to > kept && (
        <span class="abandoned" style={{ left: percent(kept), width: percent(to - kept) }} />
      )}
    </div>
  );
}
