import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

async function run(example: string): Promise<string> {
  const program = fileURLToPath(new URL(`../examples/${example}.ts`, import.meta.url));
  const args = ['--conditions=@berth/source', '--import', import.meta.resolve('tsx'), program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 1_500_000 });
  return stdout;
}

it('an example trains a network by one call a step', async () => {
  const [, first, last] = /^loss ([\d.]+) -> ([\d.]+)$/m.exec(await run('mlp')) ?? [];
  expect(Number(last)).toBeLessThan(Number(first) / 10);
});

it('an example fuses a stencil without changing what it computes', async () => {
  const [, difference] = /largest difference to op by op: (\S+)/.exec(await run('heat')) ?? [];
  expect(Number(difference)).toBeLessThan(1e-4);
});
