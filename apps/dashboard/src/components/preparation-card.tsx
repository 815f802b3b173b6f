import type { JSX } from 'preact';
import type { PreparationProgress, StageProgress } from '@berth/contracts';
import { stageTitles } from '@berth/contracts/constants';
import { asSentence, formatCount, formatDuration, plural } from '../format.ts';
import { Icon } from './icon.tsx';
import { Progress } from './parts.tsx';

/** How the data of a run comes to be: its stages, each with what is done of it. */
export function PreparationCard({
  preparation: { stages, etaMs, numWorkersBusy },
}: {
  readonly preparation: PreparationProgress;
}): JSX.Element {
  const left = etaMs === null ? [] : [`about ${formatDuration(rounded(etaMs))} left`];
  return (
    <section class="card preparation" aria-label="Preparing the data">
      <header class="card-head">
        <h2>Preparing the data</h2>
        <span class="muted">
          {[`${plural(numWorkersBusy, 'worker')} at it`, ...left].join(' · ')}
        </span>
      </header>
      <ol class="stages">
        {stages.map((stage) => (
          <Stage key={stage.stage} stage={stage} />
        ))}
      </ol>
    </section>
  );
}

function Stage({ stage }: { readonly stage: StageProgress }): JSX.Element {
  const title = asSentence(stageTitles[stage.stage]).replace(/\.$/, '');
  const ratio = ratioOf(stage);
  return (
    <li class={`stage ${stage.state}`}>
      <span class="stage-mark">
        {stage.state === 'done' && <Icon name="check" />}
        {stage.state === 'active' && <Icon name="spinner" isSpinning />}
        <span class="hidden">{stage.state}</span>
      </span>
      <span class="stage-title">{title}</span>
      <span class="stage-note muted">{noteOf(stage)}</span>
      {stage.state !== 'waiting' && (
        <Progress ratio={ratio} tone={stage.state === 'done' ? 'good' : 'busy'} label={title} />
      )}
    </li>
  );
}

function ratioOf({ state, numBytes, numBytesDone, numJobs, numDone }: StageProgress): number {
  if (state === 'done') return 1;
  if (numBytes !== null && numBytesDone !== null) return numBytesDone / Math.max(1, numBytes);
  return numJobs === null ? 0 : numDone / Math.max(1, numJobs);
}

/** What is done of a stage in numbers, and how fast; once it is over, how long it took. */
function noteOf(stage: StageProgress): string {
  const { state, numBytes, numBytesDone, numDocuments, bytesPerSecond } = stage;
  if (state === 'waiting') return '';
  const documents =
    numDocuments === null || numDocuments === 0 ? [] : [plural(numDocuments, 'document')];
  if (state === 'done') {
    const took = stage.elapsedMs === null ? [] : [formatDuration(stage.elapsedMs)];
    const size = numBytes === null ? [] : [megabytes(numBytes)];
    return [...size, ...documents, ...took].join(' · ');
  }
  if (numBytes === null || numBytesDone === null)
    return [stage.activity ?? [], jobsOf(stage)].flat().join(' · ');
  const speed =
    bytesPerSecond === null || bytesPerSecond === 0 ? [] : [`${megabytes(bytesPerSecond)}/s`];
  return [`${megabytes(numBytesDone)} of ${megabytes(numBytes)}`, ...documents, ...speed].join(
    ' · ',
  );
}

function jobsOf({ numJobs, numDone }: StageProgress): string[] {
  return numJobs === null || numJobs === 1
    ? []
    : [`${formatCount(numDone)} of ${formatCount(numJobs)}`];
}

function megabytes(numBytes: number): string {
  return numBytes < 1e9 ? `${(numBytes / 1e6).toFixed(1)} MB` : `${(numBytes / 1e9).toFixed(2)} GB`;
}

/** An estimate does not change each second. */
function rounded(durationMs: number): number {
  const unitMs = durationMs < 60_000 ? 5_000 : 60_000;
  return Math.max(1, Math.round(durationMs / unitMs)) * unitMs;
}
