import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a log says first that a process has done, for people, and how its message begins. */
const stages = [
  { name: 'coordinator', file: 'coordinator', begins: 'The coordinator listens' },
  { name: 'workers', file: 'worker-1', begins: 'The worker is ready' },
  { name: 'warm', file: 'worker-1', begins: 'Takes part in the run' },
  { name: 'view', file: 'coordinator', begins: 'Published a view' },
] as const;

export type StageTimes = Readonly<Partial<Record<(typeof stages)[number]['name'], number>>>;

/**
 * When each stage of a start was reached, in milliseconds since its beginning.
 * @param startedMs - since the epoch: logs go on where those of earlier clusters ended
 */
export function logTimes(folder: string, startedMs: number): StageTimes {
  return Object.fromEntries(
    stages.flatMap(({ name, file, begins }) => {
      const timeMs = timeOf(join(folder, 'logs', `${file}.log`), begins, startedMs);
      return timeMs === undefined ? [] : [[name, timeMs - startedMs]];
    }),
  );
}

function timeOf(path: string, begins: string, sinceMs: number): number | undefined {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (!line.startsWith('{')) continue;
    const { time, message } = JSON.parse(line) as { time?: string; message?: string };
    const timeMs = Date.parse(time ?? '');
    if (timeMs >= sinceMs && message?.startsWith(begins) === true) return timeMs;
  }
  return undefined;
}
