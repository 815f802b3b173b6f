/**
 * One thing that must hold on this machine.
 * @typedef {object} Step
 * @property {string} name
 * @property {readonly string[]} [after] - names of the steps that it needs, if they are to be done too; all stand before it
 * @property {() => Promise<string | undefined>} isDone - what is there, in a few words, or undefined; takes milliseconds
 * @property {string} missing - what to say of it under `--check`
 * @property {string} doing - what to say before `perform`
 * @property {() => Promise<void>} perform - throws SetupFailure
 */

import { SetupFailure } from './failure.mjs';

/**
 * Goes through the steps, those that need none of each other at once, and prints a line for each.
 * @param {readonly Step[]} steps
 * @param {{ onlyCheck: boolean, print: (line: string) => void }} options
 * @returns {Promise<boolean>} whether everything is there
 */
export async function runSteps(steps, { onlyCheck, print }) {
  const width = Math.max(...steps.map((step) => step.name.length)) + 2;
  const report = (step, text) => print(`${step.name.padEnd(width)}${text}`);
  /** @type {Map<string, Promise<boolean>>} */
  const outcomes = new Map();
  for (const step of steps) {
    const needed = (step.after ?? []).flatMap((name) => outcomes.get(name) ?? []);
    const outcome = Promise.all(needed).then(() => runStep(step, onlyCheck, report));
    outcomes.set(step.name, outcome);
  }
  // A failure is told once what goes on beside it has ended, so that nothing is left half done.
  await Promise.allSettled(outcomes.values());
  return (await Promise.all(outcomes.values())).every(Boolean);
}

/**
 * @param {Step} step
 * @param {boolean} onlyCheck
 * @param {(step: Step, text: string) => void} report
 * @returns {Promise<boolean>} whether it is there
 */
async function runStep(step, onlyCheck, report) {
  let detail = await step.isDone();
  if (detail === undefined && onlyCheck) {
    report(step, `missing: ${step.missing}`);
    return false;
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
  return true;
}
