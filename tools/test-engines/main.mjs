#!/usr/bin/env node
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const help = `Usage: npm run test:engines [-- parts]

Runs berth where others start its workers, and compares the weights with those of a calm run. Without names all parts run,
each that cannot run here says why in one line. DOCKER_COMPOSE names a program of Compose 2 where \`docker compose\` is not
installed. Exit code 0: what ran passed; 1: it did not; 6: a part that was named
cannot run here.`;

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {() => Promise<string | undefined>} check - why it cannot run here, in one line
 * @property {(say: (line: string) => void) => Promise<void>} test - throws when it fails
 */

const here = dirname(fileURLToPath(import.meta.url));
const exitCodeOfMissing = 6;

const { values, positionals } = parseArgs({
  options: { help: { type: 'boolean', default: false } },
  allowPositionals: true,
});

if (values.help) console.log(help);
else process.exitCode = await main(positionals);

/** @param {readonly string[]} named */
async function main(named) {
  const names = partNames();
  const unknown = named.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    console.error(`test:engines: there is no part ${unknown}; parts are ${names.join(', ')}`);
    return 2;
  }
  let code = 0;
  for (const name of named.length === 0 ? names : named) {
    const result = await run(name);
    if (result === 'failed') code = 1;
    if (result === 'not run' && named.length > 0) code ||= exitCodeOfMissing;
  }
  return code;
}

/** @param {string} name */
async function run(name) {
  /** @type {Part} */
  const part = await import(`./${name}/index.mjs`);
  const why = await part.check();
  if (why !== undefined) {
    console.log(`${name}: not run: ${why}`);
    return 'not run';
  }
  const startMs = performance.now();
  const seconds = () => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
  try {
    await part.test((line) => console.log(`${name}: ${line}`));
    console.log(`${name}: passed in ${seconds()}`);
    return 'passed';
  } catch (error) {
    console.error(`${name}: FAILED after ${seconds()}: ${error.message}`);
    return 'failed';
  }
}

/** Each folder beside this file that has an `index.mjs`. */
function partNames() {
  return readdirSync(here, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(here, entry.name, 'index.mjs')))
    .map(({ name }) => name)
    .sort();
}
