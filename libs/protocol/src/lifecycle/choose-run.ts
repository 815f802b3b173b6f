import { BerthError } from '@berth/contracts';

/** As `findRun`, from the names of all runs. */
export function chooseRun(runIds: readonly string[], text: string): string {
  if (text === '' || runIds.includes(text)) return text;
  const begun = runIds.filter((runId) => runId.startsWith(text));
  if (begun.length > 1)
    throw new BerthError('RUN_NOT_FOUND', `Runs that begin with "${text}": ${named(begun)}`);
  return begun[0] ?? text;
}

/** A `RUN_NOT_FOUND` naming the runs that there are */
export function noSuchRun(runIds: readonly string[], text: string): BerthError {
  const known = runIds.length === 0 ? 'none' : named(runIds);
  return new BerthError('RUN_NOT_FOUND', `There is no run "${text}"; known runs: ${known}`);
}

const numNamed = 10;

function named(runIds: readonly string[]): string {
  const more = runIds.length > numNamed ? `, and ${runIds.length - numNamed} more` : '';
  return `${runIds.slice(0, numNamed).join(', ')}${more}`;
}
