import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { EmptyState, SkeletonRows } from '../components/parts.tsx';
import { workers } from '../state/live.ts';
import { followLogs, logLevelNames, type LogView } from '../state/run-logs.ts';
import { download } from '../charts/csv.ts';
import { LogRow } from './log-row.tsx';

/** What the processes of a run wrote, also those that are gone. */
export function LogsTab({ runId }: { runId: string }): JSX.Element {
  const logs = useMemo(() => followLogs(runId), [runId]);
  const isFollowing = useSignal(true);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    void logs.read();
    return logs.close;
  }, [logs]);
  useSignalEffect(() => {
    if (logs.lines.value === null || !isFollowing.value) return;
    requestAnimationFrame(() => list.current?.scrollTo({ top: list.current.scrollHeight }));
  });
  const lines = logs.lines.value;
  return (
    <section class="card flush logs">
      <LogFilters logs={logs} />
      {lines === null ? (
        <SkeletonRows count={8} />
      ) : lines.length === 0 ? (
        <EmptyState icon="search" title="No lines match" />
      ) : (
        <div
          class="log-list"
          ref={list}
          tabIndex={0}
          role="log"
          aria-label="Log"
          aria-live="off"
          onScroll={(event) => {
            const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
            isFollowing.value = scrollHeight - scrollTop - clientHeight < 40;
          }}
        >
          {logs.hasOlder.value && (
            <div class="log-older">
              <Button look="quiet" onClick={() => void logs.readOlder()}>
                Older lines
              </Button>
            </div>
          )}
          {lines.map((line, i) => (
            <LogRow key={`${line.timeMs} ${line.source} ${i}`} line={line} />
          ))}
        </div>
      )}
      {!isFollowing.value && (
        <div class="log-follow">
          <Button icon="down" look="primary" onClick={() => (isFollowing.value = true)}>
            Follow
          </Button>
        </div>
      )}
    </section>
  );
}

function LogFilters({ logs }: { logs: LogView }): JSX.Element {
  const sources = (workers.value ?? []).map(({ memberId }) => memberId);
  return (
    <div class="filters log-filters">
      <label class="search">
        <Icon name="search" />
        <input
          data-filter
          type="search"
          aria-label="Filter log lines"
          placeholder="Filter lines"
          onInput={(event) => logs.setFilter({ text: event.currentTarget.value })}
        />
        <kbd>/</kbd>
      </label>
      <select
        aria-label="Least severe level"
        value={logs.filter.value.level}
        onChange={(event) => logs.setFilter({ level: event.currentTarget.value })}
      >
        {logLevelNames.map((level) => (
          <option key={level} value={level}>
            {level} and up
          </option>
        ))}
      </select>
      <select
        aria-label="Process"
        onChange={(event) => logs.setFilter({ source: event.currentTarget.value })}
      >
        <option value="">All processes</option>
        {sources.map((source) => (
          <option key={source} value={source}>
            {source}
          </option>
        ))}
      </select>
      <Button icon="download" look="quiet" onClick={() => save(logs)}>
        Download
      </Button>
    </div>
  );
}

function save({ runId, lines }: LogView): void {
  const text = (lines.value ?? []).map((line) => JSON.stringify(line)).join('\n');
  download(`${runId}.log.jsonl`, 'application/jsonl', `${text}\n`);
}
