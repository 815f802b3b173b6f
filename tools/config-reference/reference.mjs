/** What is published about run files, made from their schema: a page for people and a JSON Schema for editors. */

/**
 * As much of JSON Schema as run files use; `decides` is ours.
 * @typedef {object} Schema
 * @property {string} [type]
 * @property {string} [description]
 * @property {unknown} [default]
 * @property {'content' | 'data' | 'examples' | 'weights' | 'rate' | 'nothing'} [decides]
 * @property {readonly string[]} [enum]
 * @property {string} [pattern]
 * @property {number} [minimum]
 * @property {number} [exclusiveMinimum]
 * @property {number} [maximum]
 * @property {number} [exclusiveMaximum]
 * @property {string | number | boolean} [const]
 * @property {readonly Schema[]} [anyOf]
 * @property {Schema} [propertyNames]
 * @property {Schema | boolean} [additionalProperties]
 * @property {Schema} [items]
 * @property {Record<string, Schema>} [properties]
 * @property {readonly string[]} [required]
 */

/** What a change of a key makes of a run. */
const meanings = {
  content: 'data (by the bytes there, not by the path)',
  data: 'data',
  examples: 'examples',
  weights: 'weights',
  rate: 'weights (by the rates)',
  nothing: 'nothing of these',
};

/** What another value takes, of a run that has trained. */
const takes = {
  resume: 'goes on',
  extend: 'goes on, or a fork',
  fork: 'a fork',
  init: 'its weights',
  new: 'a new run',
};

/**
 * What a change of each key takes, by path.
 * @typedef {ReadonlyMap<string, keyof typeof takes>} Changes
 */

const preamble = `# Keys of a run file

Made from the schema by \`npm run reference\`; do not edit it. A run file is YAML or JSON. Only \`name\` must be there, and \`corpus.path\`, or
\`corpus.parts\` in its stead; or, to fine-tune, \`task.kind\`, \`task.train\` and \`init.from\`. A key that is not known is refused, with the nearest one that is. \`berth train run.yaml --dry-run\` prints all keys with
their values, \`--set train.numSteps=200\` overrides one. \`grid\` makes several runs of a file, which differ in some keys
([using.md](using.md#grids)). Editors check and complete run files by
[run.schema.json](../configs/run.schema.json), which a line at their top names:

\`\`\`yaml
# yaml-language-server: $schema=run.schema.json
\`\`\`

"Decides" says what another value changes: the documents and the vocabulary (data), the masked examples made from them
(examples), or how they are trained on (weights). What decides data decides examples too, and what decides examples
decides weights. A run that has trained refuses another value of these under its name; "another value" says what you can do
instead:

- **goes on**: pause the run; the same command goes on with the new value, and the weights stay the same, bit for bit.
- **goes on, or a fork**: it goes on while no step that is done would have had another learning rate, so a run gets more steps
  ([using.md](using.md#more-steps-than-planned)); else as the next.
- **a fork**: \`berth fork RUN --from STEP --set key=value\` makes a run of its own from a checkpoint, with its moments and its
  place in the examples ([starting.md](starting.md#forks)).
- **its weights**: examples or order are others; a new run can begin with the weights: \`init: { from: RUN }\`
  ([starting.md](starting.md)).
- **a new run**: another model, another beginning, or another name.
`;

/**
 * @param {Schema} schema
 * @param {Changes} changes
 * @returns {string} Markdown
 */
export function referencePage(schema, changes) {
  const entries = Object.entries(schema.properties ?? {});
  const isSection = ([, node]) => node.properties !== undefined;
  const topEntries = entries.filter((entry) => !isSection(entry));
  const top = tableOf('', Object.fromEntries(topEntries), schema, changes);
  const sections = entries
    .filter(isSection)
    .map(
      ([name, node]) =>
        `## ${name}\n\n${node.description ?? ''}.\n\n${tableOf(`${name}.`, node.properties ?? {}, node, changes)}`,
    );
  return `${[preamble, top, ...sections].join('\n\n').replaceAll(/\n{3,}/g, '\n\n')}\n`;
}

/** @param {Schema} schema */
export function schemaFile(schema) {
  const { $schema, ...rest } = /** @type {Schema & { $schema: string }} */ (schema);
  return `${JSON.stringify({ $schema, title: 'berth run file', ...rest }, null, 2)}\n`;
}

/**
 * @param {string} prefix
 * @param {Record<string, Schema>} properties
 * @param {Pick<Schema, 'required'>} parent
 * @param {Changes} changes
 */
function tableOf(prefix, properties, { required = [] }, changes) {
  const rows = Object.entries(properties).map(([key, node]) => [
    `\`${prefix}${key}\``,
    required.includes(key) && node.default === undefined ? 'must be given' : defaultOf(node),
    valuesOf(node),
    node.description ?? '',
    node.decides === undefined ? '' : meanings[node.decides],
    takes[changes.get(`${prefix}${key}`)] ?? '',
  ]);
  const all = [['key', 'default', 'values', 'what it is', 'decides', 'another value'], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (cells) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const rule = line(widths.map((width) => '-'.repeat(width)));
  return [
    line(all[0].map(escaped)),
    rule,
    ...all.slice(1).map((row) => line(row.map(escaped))),
  ].join('\n');
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('|', String.raw`\|`);
}

/** @param {Schema} node */
function defaultOf(node) {
  return node.default === undefined
    ? ''
    : `\`${JSON.stringify(node.default).replaceAll('"', '')}\``;
}

/** @param {Schema} node */
function valuesOf(node) {
  if (node.enum !== undefined) return node.enum.join(', ');
  if (node.const !== undefined) return String(node.const);
  if (node.anyOf !== undefined) return node.anyOf.map(valuesOf).join(', or ');
  if (typeof node.additionalProperties === 'object') {
    const names = node.propertyNames?.enum?.join(', ') ?? 'any name';
    return `by ${names}: ${valuesOf(node.additionalProperties)}`;
  }
  if (node.type === 'boolean') return 'true, false';
  if (node.type === 'array') {
    const keys = Object.keys(node.items?.properties ?? {});
    return `list of ${keys.length > 0 ? keys.join(', ') : valuesOf(node.items ?? {})}`;
  }
  if (node.type === 'string') return node.pattern === undefined ? 'text' : `\`${node.pattern}\``;
  const kind = node.type === 'integer' ? 'whole number' : 'number';
  const low = node.minimum ?? node.exclusiveMinimum;
  const high = node.maximum ?? node.exclusiveMaximum;
  const bounds = [
    low === undefined ? '' : `${node.minimum === undefined ? 'above' : 'from'} ${shown(low)}`,
    high === undefined ? '' : `${node.maximum === undefined ? 'below' : 'to'} ${shown(high)}`,
  ].filter((text) => text !== '');
  return [kind, ...bounds].join(' ');
}

/** @param {number} value */
function shown(value) {
  return value.toLocaleString('en-US');
}
