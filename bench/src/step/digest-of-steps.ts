import { createHash } from 'node:crypto';
import type { StepSetting } from './step-setting.ts';
import { stepRunner } from './step-runner.ts';

/** sha256 of the weights after so many steps, trained in this process. */
export function digestOfSteps(setting: StepSetting, numSteps: number): string {
  const runner = stepRunner(setting);
  for (let index = 0; index < numSteps; index++) runner.run();
  const { weights } = runner.engine.readState();
  const bytes = new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}
