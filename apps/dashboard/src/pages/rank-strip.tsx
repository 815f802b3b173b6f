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
          title={`${worker.memberId}: virtual ranks ${sayBlock({ start, length })}`}
        >
          <span class="rank-name">{isDense ? (worker.rank ?? '') : worker.memberId}</span>
          {!isDense && <span class="rank-range">{sayBlock({ start, length })}</span>}
        </div>
      ))}
      {blocks.length === 0 && <p class="muted">Nobody has a part of the step now.</p>}
    </div>
  );
}

/** The virtual ranks of a block: "0–3". */
export function sayBlock({ start, length }: { start: number; length: number }): string {
  return length === 1 ? String(start) : `${start}–${start + length - 1}`;
}
