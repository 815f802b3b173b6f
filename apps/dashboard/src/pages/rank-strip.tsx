import type { JSX } from 'preact';
import type { WorkerReport } from '@berth/contracts';

export interface RankStripProps {
  readonly workers: readonly WorkerReport[];
  readonly numRanks: number;
}

/** The virtual ranks of a step in a row, each under the worker that computes it. */
export function RankStrip({ workers, numRanks }: RankStripProps): JSX.Element {
  const blocks = workers
    .flatMap((worker) => worker.blocks.map((block) => ({ ...block, worker })))
    .toSorted((a, b) => a.start - b.start);
  const isDense = blocks.length > 24;
  return (
    <div class={isDense ? 'rank-strip dense' : 'rank-strip'}>
      {blocks.map(({ start, length, worker }) => (
        <div
          key={start}
          class={`rank-block ${worker.state}`}
          style={{ flexGrow: length, flexBasis: `${(length / numRanks) * 100}%` }}
          title={`${worker.memberId}: ranks ${start} to ${start + length - 1}`}
        >
          <span class="rank-name">{isDense ? (worker.rank ?? '') : worker.memberId}</span>
          {!isDense && (
            <span class="rank-range">
              {length === 1 ? start : `${start}–${start + length - 1}`}
            </span>
          )}
        </div>
      ))}
      {blocks.length === 0 && <p class="muted">Nobody has a part of the step now.</p>}
    </div>
  );
}
