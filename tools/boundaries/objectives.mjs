const shortNames = /\b(mlm|nsp)(?![a-z])|[a-z](Mlm|Nsp)(?![a-z])|\b(MLM|NSP)\b/;
const longNames =
  /masked[\s_-]?(lm|language)|masked(positions|ids|weight)|next[\s_-]?sentence|seq_relationship/i;

/** Places that may name an objective though they are in no `tasks/` folder, and why. */
const exceptions = {
  'bench/': 'measures the step of pre-training, on examples that it makes up',
  'tools/boundaries/objectives.mjs': 'says what an objective is called',
};

/**
 * The lines of a source that name what pre-training predicts. What a run learns is data of its task: nothing outside a
 * `tasks/` folder names an objective, so that the next task is added beside the first, not into it.
 * @param {string} path - from the root
 * @param {string} text
 * @returns {number[]} counted from 1
 */
export function linesWithObjectives(path, text) {
  const isAllowed = Object.keys(exceptions).some((place) => path.startsWith(place));
  if (isAllowed || path.split('/').includes('tasks')) return [];
  return text
    .split('\n')
    .flatMap((line, index) => (shortNames.test(line) || longNames.test(line) ? [index + 1] : []));
}
