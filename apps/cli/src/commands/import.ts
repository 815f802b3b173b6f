import { basename, resolve } from 'node:path';
import { BerthError, runNamePattern } from '@berth/contracts';
import type { LoadingRow } from '@berth/hugging-face';
import type { Context } from '../context.ts';
import { formatCount, formatTable } from '../format.ts';
import { importFolder, type ImportedFolder } from '../import-folder.ts';

export interface ImportOptions {
  readonly name?: string;
  readonly json: boolean;
}

/**
 * `berth import`: stores the model of a Hugging Face folder, for runs to begin with (`init.from`), and says what was loaded of it.
 * @throws BerthError `USAGE` for a name that no model can have, `CHECKPOINT_EXISTS` when another model has it, and what
 * `importFolder` throws
 */
export async function importModel(
  context: Context,
  path: string,
  options: ImportOptions,
): Promise<void> {
  const name = options.name ?? nameOf(path);
  if (!runNamePattern.test(name))
    throw new BerthError(
      'USAGE',
      `"${name}" cannot be the name of a model: give one of lower-case letters, digits and hyphens (--name)`,
    );
  const imported = await importFolder(context, resolve(path), { name, keepsHead: true });
  const { stored, folder } = imported;
  const { modelId, model, doLowerCase } = stored;
  const { rows, notes } = folder;
  if (options.json) {
    context.print(JSON.stringify({ name, modelId, model, doLowerCase, rows, notes }));
    return;
  }
  for (const note of notes) context.say(`note: ${note}`);
  context.print(describe(name, imported));
}

/** The folder's own name, in the letters that names have. */
function nameOf(path: string): string {
  return basename(resolve(path))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 63);
}

function describe(name: string, { folder, stored }: ImportedFolder): string {
  const { model, vocabulary, doLowerCase, modelId } = stored;
  const { numLayers, hiddenSize, numHeads, maxPositions } = model;
  return [
    `${name}: ${numLayers} layers of ${hiddenSize}, ${numHeads} heads, ${maxPositions} positions, ` +
      `${formatCount(vocabulary.numTokens)} entries, ${doLowerCase ? 'uncased' : 'cased'}`,
    `  sha256  ${modelId}`,
    tableOf(folder.rows),
    `begin a run with it: init: { from: ${name} }`,
  ].join('\n');
}

const states = {
  loaded: 'loaded',
  missing: 'new: drawn from the seed of the run',
  unused: 'not loaded',
} as const;

/** Layers of a kind share a row. */
function tableOf(rows: readonly LoadingRow[]): string {
  const groups = new Map<string, { name: string; cells: string[]; count: number }>();
  for (const { name, state, shape, reason } of rows) {
    const pattern = name.replace(/\.layer\.\d+\./, '.layer.N.');
    const why = state === 'unused' ? `: ${reason}` : '';
    const cells = [`[${shape.join(', ')}]`, `${states[state]}${why}`];
    const key = JSON.stringify([pattern, cells]);
    const group = groups.get(key) ?? { name: pattern, cells, count: 0 };
    groups.set(key, { ...group, count: group.count + 1 });
  }
  return formatTable([
    ['  tensor', '', 'shape', 'what became of it'],
    ...[...groups.values()].map(({ name, cells, count }) => [
      `  ${name}`,
      name.includes('.layer.N.') ? `${count} x` : '',
      ...cells,
    ]),
  ]);
}
