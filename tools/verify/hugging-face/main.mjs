#!/usr/bin/env node
/**
 * Compares what berth exports and imports with transformers: npm run verify:hugging-face -- --python PATH [--python PATH ...]
 * Each Python has torch and transformers; sentence-transformers where that is to be checked too.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readHuggingFaceFolder, writeHuggingFaceFolder } from '@berth/hugging-face';
import { writeModels } from './write-models.mjs';

const here = dirname(fileURLToPath(import.meta.url));

const { values } = parseArgs({
  options: { python: { type: 'string', multiple: true }, sizes: { type: 'string' } },
});
if (values.python === undefined) {
  console.error(
    'usage: npm run verify:hugging-face -- --python PATH [--python PATH] [--sizes tiny,mini]',
  );
  process.exit(2);
}
const sizes = (values.sizes ?? 'tiny,mini,small,medium,base,large').split(',');

const folder = mkdtempSync(join(tmpdir(), 'berth-verify-'));
let isEqual = true;
const run = (python, script, ...args) => {
  const { status, error } = spawnSync(python, [join(here, script), ...args], { stdio: 'inherit' });
  if (error !== undefined) throw error;
  isEqual &&= status === 0;
};
try {
  const models = await writeModels(folder);
  for (const python of values.python)
    for (const model of models) run(python, 'check_model.py', model);
  for (const [index, size] of sizes.entries()) {
    const python = values.python[index % values.python.length];
    // Cased and uncased in turn, and the vocabulary of multilingual BERT, which is the largest.
    const vocabSize = [30_522, 28_996, 119_547][index % 3];
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    run(python, 'make_folder.py', from, size, String(vocabSize), index % 2 ? 'cased' : 'uncased');
    await writeHuggingFaceFolder(await readHuggingFaceFolder(from), to);
    run(python, 'compare_folders.py', from, to);
    rmSync(from, { recursive: true });
    rmSync(to, { recursive: true });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(isEqual ? 'all is equal' : 'not all is equal');
process.exitCode = isEqual ? 0 : 1;
