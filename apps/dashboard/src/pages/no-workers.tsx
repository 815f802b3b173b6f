import type { JSX } from 'preact';
import type { RunStatus, RunStatusReport } from '@berth/contracts';
import { Command, EmptyState } from '../components/parts.tsx';
import { asSentence, plural } from '../format.ts';
import { cluster } from '../state/live.ts';
import { runLooks } from '../state/status.ts';

const freed = 'Its workers are free for other runs; resuming it takes them again.';
const whenAtRest: Readonly<Partial<Record<RunStatus, string>>> = {
  completed: 'Its workers are free for other runs.',
  paused: freed,
  stopped: freed,
  failed: freed,
};

/** Why no worker is on a run, and what brings one there. */
export function NoWorkers({ report }: { report: RunStatusReport }): JSX.Element {
  const { status, reason } = report.run;
  const atRest = whenAtRest[status];
  if (atRest !== undefined)
    return (
      <EmptyState icon={runLooks[status].icon} title={`The run is ${status}`}>
        <p>{atRest}</p>
      </EmptyState>
    );
  const numHere = (cluster.value?.workers ?? []).filter(({ state }) => state !== 'lost').length;
  if (numHere === 0)
    return (
      <EmptyState icon="worker" title="The cluster has no worker">
        <HowToJoin />
      </EmptyState>
    );
  return (
    <EmptyState icon="worker" title="No worker has joined yet">
      <p>{asSentence(reason)}</p>
      <p>{plural(numHere, 'worker')} of the cluster will join when it begins to train.</p>
    </EmptyState>
  );
}

function HowToJoin(): JSX.Element {
  return (
    <>
      <p>
        A process with the cluster’s <code>REDIS_URL</code>, store settings and{' '}
        <code>BERTH_SECRET</code> in a file joins by itself, on any machine that reaches them. On
        the machine 10.0.0.2, say:
      </p>
      <Command text="npx berth worker --env cluster.env --host 10.0.0.2" />
      <p>In containers:</p>
      <Command text="docker compose -f infra/compose/compose.yaml up -d --scale worker=4" />
    </>
  );
}
