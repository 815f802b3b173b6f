import type { JSX } from 'preact';
import type { RunStatusReport, WorkerReport } from '@berth/contracts';
import { describeNetwork, linkSpeedText, plainEngine, skewText } from '@berth/contracts/constants';
import { DrainWorker } from '../components/drain-worker.tsx';
import { Chip, SkeletonRows } from '../components/parts.tsx';
import {
  asSentence,
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  plural,
  unknown,
} from '../format.ts';
import { heardAtMs, nowMs, workers } from '../state/live.ts';
import { workerLooks } from '../state/status.ts';
import { NoWorkers } from './no-workers.tsx';
import { RankStrip, sayBlock } from './rank-strip.tsx';

/** The machines of a run, those that it has lost too. */
export function WorkersTab({ report }: { report: RunStatusReport }): JSX.Element {
  const all = workers.value;
  if (all === null) return <SkeletonRows count={4} />;
  const present = all.filter(({ state }) => state !== 'lost').toSorted(byRank);
  const lost = all.filter(({ state }) => state === 'lost');
  const { view, run } = report;
  if (present.length === 0)
    return (
      <>
        <NoWorkers report={report} />
        {lost.length > 0 && <LostWorkers workers={lost} />}
      </>
    );
  return (
    <>
      <section class="card">
        <header class="card-head">
          <h2>Who computes what</h2>
          <span class="muted">
            {view === null
              ? 'no view yet'
              : `view ${view.version}, from step ${formatCount(view.fromStep)}`}
          </span>
        </header>
        {view !== null && <p class="muted">{asSentence(view.reason)}</p>}
        {report.relay !== undefined && <Relay relay={report.relay} />}
        {report.network !== undefined && (
          <p class="muted" data-network>
            {describeNetwork(report.network)}
          </p>
        )}
        <RankStrip workers={present} numRanks={run.config.train.virtualRanks} />
      </section>
      <section class="card flush">
        <header class="card-head">
          <h2>{plural(present.length, 'worker')}</h2>
          <span class="muted">
            wants {run.config.cluster.numWorkers}, waits below {run.config.cluster.minWorkers}
          </span>
        </header>
        <WorkerTable workers={present} />
      </section>
      {lost.length > 0 && <LostWorkers workers={lost} />}
    </>
  );
}

/** Who joins connections of workers that dial out only. */
function Relay({ relay }: { relay: NonNullable<RunStatusReport['relay']> }): JSX.Element {
  const { memberId, host, port, traffic } = relay;
  return (
    <p class="muted" data-relay={memberId}>
      Workers that dial out only are joined by the relay of {memberId} at {host}:{port}
      {traffic === null ? ', which does not answer' : `: ${formatBytes(traffic.numBytes)} so far`}.
    </p>
  );
}

function WorkerTable({ workers }: { workers: readonly WorkerReport[] }): JSX.Element {
  const slowest = Math.max(1.5, ...workers.map(({ paceRatio }) => paceRatio ?? 0));
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Workers">
      <table class="data cards">
        <thead>
          <tr>
            <th scope="col">Ranks</th>
            <th scope="col">Worker</th>
            <th scope="col">State</th>
            <th scope="col">Device</th>
            <th scope="col" class="number">
              Step
            </th>
            <th scope="col">Pace</th>
            <th scope="col" class="number">
              Memory
            </th>
            <th scope="col" class="number">
              Heartbeat
            </th>
            <th scope="col">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr key={worker.memberId} data-worker={worker.memberId}>
              <td class="number" data-label="Ranks">
                {worker.blocks.map(sayBlock).join(', ') || unknown}
              </td>
              <td>
                <span class="strong">{worker.memberId}</span>
                <span class="sub">
                  {worker.hostname} · pid {worker.pid}
                  {worker.engine !== plainEngine && ` · ${worker.engine}`}
                  {worker.linkBitsPerSecond !== null &&
                    ` · ${linkSpeedText(worker.linkBitsPerSecond)}`}
                  {worker.version !== null && ` · berth ${worker.version}`}
                  {!worker.isReachable && ' · dials out only'}
                  {worker.clockAheadMs !== null && ` · clock ${skewText(worker.clockAheadMs)}`}
                </span>
              </td>
              <td>
                <Chip look={workerLooks[worker.state]} />
                {!isPlain(worker) && <span class="sub">{asSentence(worker.reason)}</span>}
              </td>
              <td data-label="Device">
                {worker.device}
                <span class="sub">
                  {worker.kernels} · {plural(worker.numThreads, 'thread')}
                </span>
              </td>
              <td class="number" data-label="Step">
                {worker.step < 0 ? unknown : formatCount(worker.step)}
                {worker.lag > 0 && <span class="sub">{worker.lag} behind</span>}
              </td>
              <td data-label="Pace">
                <Pace worker={worker} slowest={slowest} />
              </td>
              <td class="number" data-label="Memory">
                {formatBytes(worker.residentBytes)}
              </td>
              <td class="number" data-label="Heartbeat">
                {formatAge(worker.heartbeatAgeMs + sinceHeard())}
              </td>
              <td class="actions">
                <DrainWorker worker={worker} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Time of a virtual rank beside the others': the tick is their median. */
function Pace({ worker, slowest }: { worker: WorkerReport; slowest: number }): JSX.Element {
  const { rankMs, paceRatio } = worker;
  if (rankMs === null) return <span class="muted">{unknown}</span>;
  if (paceRatio === null) return <span>{formatDuration(rankMs)}</span>;
  const tone = worker.state === 'straggling' ? 'warn' : 'calm';
  return (
    <span class="pace">
      <span class={`pace-bar ${tone}`} aria-hidden="true">
        <span class="pace-fill" style={{ width: `${(paceRatio / slowest) * 100}%` }} />
        <span class="pace-median" style={{ left: `${(1 / slowest) * 100}%` }} />
      </span>
      <span>
        {formatDuration(rankMs)} <span class="muted">{paceRatio.toFixed(2)}×</span>
      </span>
    </span>
  );
}

function LostWorkers({ workers }: { workers: readonly WorkerReport[] }): JSX.Element {
  return (
    <section class="card">
      <h2>Lost</h2>
      <ul class="lost">
        {workers.map((worker) => (
          <li key={worker.memberId} data-worker={worker.memberId}>
            <Chip look={workerLooks.lost} />
            <div>
              <p>
                <span class="strong">{worker.memberId}</span>{' '}
                <span class="muted">
                  {worker.hostname} · pid {worker.pid}
                  {worker.lastSeenAtMs !== null &&
                    ` · last seen ${formatAge(nowMs.value - worker.lastSeenAtMs)}`}
                </span>
              </p>
              <p>{asSentence(worker.reason)}</p>
              {worker.lastLines.length > 0 && (
                <details>
                  <summary>Its last {plural(worker.lastLines.length, 'log line')}</summary>
                  <pre>{worker.lastLines.join('\n')}</pre>
                </details>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The server's ages are of when it said so. */
function sinceHeard(): number {
  return nowMs.value > 0 ? Math.max(0, Date.now() - heardAtMs.value) : 0;
}

function isPlain({ state }: WorkerReport): boolean {
  return state === 'active' || state === 'idle';
}

function byRank(a: WorkerReport, b: WorkerReport): number {
  const first = ({ blocks }: WorkerReport): number => blocks[0]?.start ?? Infinity;
  const [ofA, ofB] = [first(a), first(b)];
  return ofA === ofB ? a.memberId.localeCompare(b.memberId) : ofA - ofB;
}
