import { BerthError } from '../errors.ts';
import { renamedFrom } from '../renamed-settings.ts';
import { settings, type Setting } from '../settings.ts';
import { nearest } from '../suggest.ts';

const sameData = 'all runs of a grid learn from the same data, to be compared: leave it out';
const sameBeginning = 'all runs of a grid begin alike, to be compared: leave it out';

/** Of a task's settings, what says which rows are learnt from and evaluated on, and as what. */
const rowsOfTask = ['kind', 'columns', 'labels', 'labelSeparator', 'heldOutRatio'];

/**
 * Requires that the runs of a grid may differ in a setting.
 * @param isFineTuning - whether they have a task: then examples of other lengths are held out from the same rows
 * @throws BerthError `CONFIG_UNKNOWN_KEY` where there is no such setting, `CONFIG_INVALID` where it has to be the same
 */
export function requireVaried(path: string, isFineTuning: boolean, source: string): void {
  const setting = settings.find((one) => one.path === path);
  if (setting === undefined)
    throw new BerthError('CONFIG_UNKNOWN_KEY', `${source}: ${whyUnknown(path, isFineTuning)}`);
  const why = whyFixed(setting, isFineTuning);
  if (why !== undefined) throw new BerthError('CONFIG_INVALID', `${source}: grid: ${path}: ${why}`);
}

function whyUnknown(path: string, isFineTuning: boolean): string {
  const shown = JSON.stringify(path.length > 64 ? `${path.slice(0, 64)}…` : path);
  const renamed = renamedFrom(path);
  if (renamed !== undefined) return `grid: ${path} is called ${renamed.now} now`;
  const known = settings
    .filter((one) => whyFixed(one, isFineTuning) === undefined)
    .map((one) => one.path);
  const inside = known.find((one) => one.startsWith(`${path}.`));
  if (inside !== undefined)
    return `grid: ${path} is a section: name a setting in it by its path, such as ${inside}`;
  const near = known.find((one) => one.endsWith(`.${path}`)) ?? nearest(path, known);
  const hint =
    near === undefined
      ? 'name one by its path, such as optimizer.learningRate'
      : `did you mean "${near}"?`;
  return `grid: unknown setting ${shown}; ${hint}`;
}

/** Why a setting has to be the same for all runs of a grid; undefined where it need not. */
function whyFixed({ path, decides }: Setting, isFineTuning: boolean): string | undefined {
  const [section = '', key = ''] = path.split('.');
  if (path === 'name') return 'each run of a grid gets a name of its own: leave it out';
  if (section === 'export') return 'the best is known once all are done: leave it out';
  if (section === 'init') return sameBeginning;
  if (decides === 'content' || section === 'corpus' || section === 'vocabulary') return sameData;
  if (path === 'examples.numShards' || (section === 'task' && rowsOfTask.includes(key)))
    return sameData;
  if (decides === 'nothing' || section === 'cluster')
    return 'it decides nothing of what a run learns: leave it out';
  const isOtherText = path === 'phases' || (section === 'examples' && decides === 'examples');
  if (isOtherText && !isFineTuning && path !== 'examples.corpusWeights')
    return 'losses on examples of other kinds do not compare: leave it out';
  return undefined;
}
