import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const program = fileURLToPath(new URL('../testing/hanging-runtime.ts', import.meta.url));

it('a call that hangs in the kernel is given up, and cannot keep the process from ending', async () => {
  const built = program.replace('/src/', '/dist/').replace('.ts', '.js');
  const child = spawn(process.execPath, [built, '2000'], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [out, [, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(out).toBe(
    'BerthError: The runtime thread hangs: takeGradients has no answer after 3 s; it may take 2 s true\n',
  );
  expect(signal).toBe('SIGKILL');
});
