import { signal, type ReadonlySignal } from '@preact/signals';
import type { LogLine } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';
import { onEvent } from './live.ts';
import { appendLogLines } from './live-state.ts';
import { toast } from './toasts.ts';

export const logLevelNames: readonly LogLine['level'][] = ['debug', 'info', 'warn', 'error'];

/** Lines kept on the page; older ones are read again on demand. */
const maxLines = 2000;
/** Typing pauses this long before the server is asked. */
const settleMs = 250;

export interface LogFilter {
  readonly level: string;
  readonly source: string;
  readonly text: string;
}

/** The log of a run through a filter, kept up to date. */
export interface LogView {
  readonly runId: string;
  /** Oldest first; null until read. */
  readonly lines: ReadonlySignal<readonly LogLine[] | null>;
  readonly hasOlder: ReadonlySignal<boolean>;
  readonly filter: ReadonlySignal<LogFilter>;
  readonly setFilter: (patch: Partial<LogFilter>) => void;
  readonly read: () => Promise<void>;
  readonly readOlder: () => Promise<void>;
  readonly close: () => void;
}

/** Follows a run's log until closed. */
export function followLogs(runId: string): LogView {
  const lines = signal<readonly LogLine[] | null>(null);
  const hasOlder = signal(false);
  const filter = signal<LogFilter>({ level: 'info', source: '', text: '' });
  const limit = 300;
  let before = '';
  let numReads = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = async (): Promise<void> => {
    const thisRead = ++numReads;
    try {
      const page = await api.logs(runId, { ...filter.value, limit });
      if (thisRead !== numReads) return;
      lines.value = page.lines;
      before = page.before;
      hasOlder.value = page.lines.length >= limit;
    } catch (error) {
      if (thisRead !== numReads) return;
      lines.value = [];
      tell(error);
    }
  };

  const readOlder = async (): Promise<void> => {
    const page = await api.logs(runId, { ...filter.value, before, limit }).catch(tell);
    if (page === undefined) return;
    lines.value = [...page.lines, ...(lines.value ?? [])].slice(0, maxLines);
    before = page.before;
    hasOlder.value = page.lines.length >= limit;
  };

  const stopListening = onEvent((event) => {
    if (event.type === 'resync') void read();
    if (event.type !== 'logs' || event.runId !== runId || lines.value === null) return;
    const wanted = event.lines.filter((line) => passes(line, filter.value));
    lines.value = appendLogLines(lines.value, wanted, maxLines);
  });

  return {
    runId,
    lines,
    hasOlder,
    filter,
    setFilter: (patch) => {
      filter.value = { ...filter.value, ...patch };
      clearTimeout(timer);
      timer = setTimeout(() => void read(), settleMs);
    },
    read,
    readOlder,
    close: () => {
      stopListening();
      clearTimeout(timer);
      numReads++;
    },
  };
}

/** What the server's filter does, for lines that come by themselves. */
export function passes(line: LogLine, { level, source, text }: LogFilter): boolean {
  const rank = (name: string): number => logLevelNames.findIndex((known) => known === name);
  if (rank(line.level) < rank(level)) return false;
  if (source !== '' && line.source !== source) return false;
  const haystack = `${line.message} ${JSON.stringify(line.fields)}`.toLowerCase();
  return text === '' || haystack.includes(text.toLowerCase());
}

function tell(error: unknown): void {
  toast('bad', error instanceof ApiError ? error.message : String(error));
}
