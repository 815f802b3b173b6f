import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { commonOptions, countOf, flag, text } from '../options.ts';
import { ownProgram } from '../program.ts';
import { digestOfSteps } from './digest-of-steps.ts';
import { stepArguments, stepOptions, stepSettingOf } from './step-options.ts';

const help = `Usage: npx berth bench same-bits [options]

Trains the same steps in several processes at once, each of which compiles for itself, and compares the weights to the bit.
Exit code 1 when they differ.

  --times N       processes (default 3)
  --steps N       steps trained (default 3)
  --model SIZE --precision P --optimizer O --device D --threads N --batch N --seq N --predictions N --shortest RATIO --ranks N
                  as berth bench step
  --json          the whole report`;

export interface SameBitsReport {
  readonly model: string;
  readonly precision: string;
  readonly numSteps: number;
  /** sha256 of the weights of each process. */
  readonly digests: readonly string[];
  readonly areEqual: boolean;
}

const { values } = parseArgs({
  options: {
    ...stepOptions,
    times: text('3'),
    steps: text('3'),
    child: flag,
    ...commonOptions,
  },
});
const numSteps = countOf('steps', values.steps);
if (values.help) console.log(help);
else if (values.child) console.log(digestOfSteps(stepSettingOf(values), numSteps));
else {
  stepSettingOf(values);
  const own = ownProgram(fileURLToPath(import.meta.url), [
    ...stepArguments(values),
    '--steps',
    values.steps,
    '--child',
  ]);
  const run = promisify(execFile);
  // Code that one has compiled would be that of all.
  const env = { ...process.env, BERTH_XLA_CACHE: 'off', TF_XLA_FLAGS: '' };
  const digests = await Promise.all(
    Array.from({ length: countOf('times', values.times) }, async () => {
      const { stdout } = await run(process.execPath, own, { timeout: 600_000, env });
      return stdout.trim();
    }),
  );
  const areEqual = new Set(digests).size === 1;
  const { model, precision } = values;
  const report: SameBitsReport = { model, precision, numSteps, digests, areEqual };
  if (values.json) console.log(JSON.stringify(report));
  else
    console.log(
      `${model} ${precision}, ${numSteps} steps in ${digests.length} processes: ${areEqual ? 'same' : 'OTHER'} bits\n  ${digests.join('\n  ')}`,
    );
  if (!areEqual) process.exitCode = 1;
}
