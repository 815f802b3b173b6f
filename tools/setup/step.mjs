/**
 * One thing that must hold on this machine.
 * @typedef {object} Step
 * @property {string} name
 * @property {() => Promise<string | undefined>} isDone - what is there, in a few words, or undefined; takes milliseconds
 * @property {string} missing - what to say of it under `--check`
 * @property {string} doing - what to say before `perform`
 * @property {() => Promise<void>} perform - throws SetupFailure
 */

import { SetupFailure } from './failure.mjs';

/**
 * Goes through the steps in order and prints a line for each.
 * @param {readonly Step[]} steps
 * @param {{ onlyCheck: boolean, print: (line: string) => void }} options
 * @returns {Promise<boolean>} whether everything is there
 */
export async function runSteps(steps, { onlyCheck, print }) {
  const width = Math.max(...steps.map((step) => step.name.length)) + 2;
  const report = (step, text) => print(`${step.name.padEnd(width)}${text}`);
  let complete = true;
  for (const step of steps) {
    let detail = await step.isDone();
    if (detail === undefined && onlyCheck) {
      complete = false;
      report(step, `missing: ${step.missing}`);
      continue;
    }
    if (detail === undefined) {
      report(step, `${step.doing} ...`);
      await step.perform();
      detail = await step.isDone();
      if (detail === undefined) {
        throw new SetupFailure(
          `step ${step.name} ran but ${step.missing}`,
          'run setup again; if it stays, please report it',
        );
      }
    }
    report(step, detail);
  }
  return complete;
}
