import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/**
 * @typedef {object} CommandResult
 * @property {boolean} ok - it started and exited with 0
 * @property {boolean} missing - there is no such program
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * Runs a program to its end and collects what it prints. Never throws.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<CommandResult>}
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', (error) => {
      const missing = 'code' in error && error.code === 'ENOENT';
      resolve({ ok: false, missing, stdout, stderr: error.message });
    });
    child.on('close', (code) => resolve({ ok: code === 0, missing: false, stdout, stderr }));
  });
}

/**
 * The part of a failed command's output that says why: the first line that tells more of an error than a code, or the last line.
 * @param {CommandResult} result
 */
export function reasonOf(result) {
  const lines = `${result.stdout}\n${result.stderr}`.split('\n').filter((line) => line.trim());
  const isTelling = (line) => /error\W+\w/i.test(line) && !/error code/.test(line);
  return lines.find(isTelling) ?? lines.at(-1) ?? 'no output';
}

/**
 * @param {readonly string[]} names
 * @param {string} path - as in the variable PATH
 * @returns {Promise<string | undefined>} the first of the names found, in the order of the names
 */
export async function findOnPath(names, path = process.env['PATH'] ?? '') {
  for (const name of names)
    for (const folder of path.split(delimiter).filter(Boolean))
      if (await isExecutable(join(folder, name))) return join(folder, name);
  return undefined;
}

/** @param {string} file */
export async function isExecutable(file) {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
