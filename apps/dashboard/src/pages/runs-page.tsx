import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RunStatusReport } from '@berth/contracts';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { GridRow } from '../grids/grid-row.tsx';
import { groupRuns } from '../grids/group-runs.ts';
import { NewRunDialog } from '../new-run/new-run-dialog.tsx';
import { Command, EmptyState, SkeletonRows, Tile } from '../components/parts.tsx';
import { formatCompact, plural } from '../format.ts';
import { cluster, loadError, runs } from '../state/live.ts';
import { isUnderWay } from '../state/status.ts';
import { RunRow } from './run-row.tsx';

const groups = {
  all: { label: 'All', has: () => true },
  active: { label: 'Under way', has: ({ run }: RunStatusReport) => isUnderWay(run.status) },
  waiting: { label: 'Paused', has: ({ run }: RunStatusReport) => run.status === 'paused' },
  ended: {
    label: 'Ended',
    has: ({ run }: RunStatusReport) => run.status === 'completed' || run.status === 'stopped',
  },
  failed: { label: 'Failed', has: ({ run }: RunStatusReport) => run.status === 'failed' },
} as const;
type Group = keyof typeof groups;

/** All runs, newest first. */
export function RunsPage(): JSX.Element {
  const text = useSignal('');
  const group = useSignal<Group>('all');
  const isAsking = useSignal(false);
  const all = runs.value;
  const shown = (all ?? []).filter(
    (report) => groups[group.value].has(report) && matches(report, text.value),
  );
  return (
    <div class="page">
      <header class="page-head">
        <div>
          <h1>Runs</h1>
          <p class="muted">{headline(all)}</p>
        </div>
        <Button look="primary" icon="plus" name="new-run" onClick={() => (isAsking.value = true)}>
          New run
        </Button>
      </header>
      {all !== null && all.length > 0 && <ClusterTiles reports={all} />}
      {all !== null && all.length > 0 && (
        <div class="filters">
          <label class="search">
            <Icon name="search" />
            <input
              data-filter
              type="search"
              aria-label="Filter runs"
              placeholder="Filter runs"
              value={text.value}
              onInput={(event) => (text.value = event.currentTarget.value)}
            />
            <kbd>/</kbd>
          </label>
          <div class="segments" role="group" aria-label="State">
            {(Object.keys(groups) as Group[]).map((key) => (
              <button
                type="button"
                key={key}
                aria-pressed={group.value === key}
                onClick={() => (group.value = key)}
              >
                {groups[key].label}
                <span class="segment-count">{all.filter(groups[key].has).length}</span>
              </button>
            ))}
          </div>
        </div>
      )}
      <RunList all={all} shown={shown} onNew={() => (isAsking.value = true)} />
      {isAsking.value && <NewRunDialog onClose={() => (isAsking.value = false)} />}
    </div>
  );
}

function RunList(props: {
  readonly all: readonly RunStatusReport[] | null;
  readonly shown: readonly RunStatusReport[];
  readonly onNew: () => void;
}): JSX.Element {
  const { all, shown, onNew } = props;
  if (all === null)
    return loadError.value === null ? (
      <SkeletonRows count={5} />
    ) : (
      <EmptyState icon="warning" title="The coordinator does not answer">
        <p>{loadError.value}</p>
        <Command text="berth up" />
      </EmptyState>
    );
  if (all.length === 0)
    return (
      <EmptyState icon="chart" title="No runs yet">
        <p>One command trains a small BERT on the corpus that ships with berth:</p>
        <Command text="berth train configs/demo.yaml" />
        <Button icon="plus" onClick={onNew}>
          Or fill in a form
        </Button>
      </EmptyState>
    );
  if (shown.length === 0)
    return (
      <EmptyState icon="search" title="No run matches">
        <p>Change the filter to see {plural(all.length, 'run')}.</p>
      </EmptyState>
    );
  return (
    <div class="card run-list" role="table" aria-label="Runs">
      <div class="run-row head" role="row">
        {['Run', 'Progress', 'Loss', 'Tokens/s', 'Workers', 'Checkpoint'].map((name) => (
          <span role="columnheader" key={name}>
            {name}
          </span>
        ))}
      </div>
      {groupRuns(shown).map((listed) =>
        listed.kind === 'run' ? (
          <RunRow key={listed.report.run.runId} report={listed.report} />
        ) : (
          <GridOfRuns key={listed.name} {...listed} all={all} />
        ),
      )}
    </div>
  );
}

/** A grid in a row, and on request the runs of it that are asked for. */
function GridOfRuns(props: {
  readonly name: string;
  readonly reports: readonly RunStatusReport[];
  readonly all: readonly RunStatusReport[];
}): JSX.Element {
  const { name, reports, all } = props;
  const isOpen = useSignal(false);
  return (
    <>
      <GridRow
        name={name}
        reports={all.filter(({ run }) => run.grid?.name === name)}
        isOpen={isOpen.value}
        onToggle={() => (isOpen.value = !isOpen.value)}
      />
      {isOpen.value &&
        reports.map((report) => <RunRow key={report.run.runId} report={report} isOfGrid />)}
    </>
  );
}

function ClusterTiles({ reports }: { reports: readonly RunStatusReport[] }): JSX.Element {
  const active = reports.filter(({ run }) => isUnderWay(run.status));
  const speed = active.reduce((sum, report) => sum + (report.tokensPerSecond ?? 0), 0);
  const workers = (cluster.value?.workers ?? []).filter(({ state }) => state !== 'lost');
  const idle = workers.filter(({ runId }) => runId === null).length;
  const failed = reports.filter(({ run }) => run.status === 'failed').length;
  return (
    <dl class="tiles four">
      <Tile
        label="Under way"
        value={active.length}
        note={plural(reports.length, 'run') + ' in all'}
      />
      <Tile label="Tokens per second" value={formatCompact(speed)} note="over all runs" />
      <Tile
        label="Workers"
        value={workers.length}
        note={workers.length === 0 ? 'none here' : idle === 0 ? 'all busy' : `${idle} idle`}
      />
      <Tile
        label="Failed"
        value={failed}
        note={failed === 0 ? 'none' : 'each says why and how to go on'}
      />
    </dl>
  );
}

function headline(all: readonly RunStatusReport[] | null): string {
  if (all === null) return 'Reading …';
  const active = all.filter(({ run }) => isUnderWay(run.status)).length;
  return active === 0 ? 'Nothing is under way.' : `${plural(active, 'run')} under way.`;
}

function matches({ run }: RunStatusReport, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/);
  const haystack = [run.config.name, run.runId, run.status, run.reason, run.config.model.size]
    .join(' ')
    .toLowerCase();
  return words.every((word) => haystack.includes(word));
}
