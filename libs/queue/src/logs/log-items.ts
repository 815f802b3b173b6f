import { logLevels, type LogLine, type LogQuery } from '@berth/contracts';

/** Which lines are wanted; see `LogQuery`. */
export type LogFilter = Partial<Pick<LogQuery, 'level' | 'source' | 'text'>> & {
  /** @defaultValue of all runs, and of none */
  readonly runId?: string | undefined;
};

/** A stream item: its id, then field, value, ... */
export type StreamItem = [id: string, fields: string[]];

/** Reads a line out of a stream item, if it passes the filter. Parses as few as possible: there may be thousands. */
export function matcherOf({
  level = 'debug',
  source,
  runId,
  text,
}: LogFilter): (item: StreamItem) => LogLine | undefined {
  const leastLevel = logLevels.indexOf(level);
  const wanted = text?.toLowerCase();
  return ([, fields]) => {
    // As the script of `append` writes them: level, source, run, json.
    const [, levelOf = '', , sourceOf, , runOf, , json = ''] = fields;
    if (Number(levelOf) < leastLevel) return undefined;
    if (source !== undefined && source !== sourceOf) return undefined;
    if (runId !== undefined && runId !== runOf) return undefined;
    const line = parseLogLine(json);
    if (line === undefined || wanted === undefined) return line;
    return searchable(line).includes(wanted) ? line : undefined;
  };
}

/** A line as it was appended; undefined when it is damaged. */
export function parseLogLine(json: string): LogLine | undefined {
  try {
    return JSON.parse(json) as LogLine;
  } catch {
    return undefined;
  }
}

function searchable({ message, fields }: LogLine): string {
  return `${message} ${JSON.stringify(fields)}`.toLowerCase();
}
