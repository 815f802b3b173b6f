import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const program = fileURLToPath(new URL('../bin/berth.js', import.meta.url));

/** Runs a copy of the program in a checkout of its own. */
async function runIn(folder: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const copy = join(folder, 'bin', 'berth.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [copy, 'init'], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

it('says in a checkout that is not built what builds it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-bin-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await mkdir(join(folder, 'bin'));
  await copyFile(program, join(folder, 'bin', 'berth.js'));

  expect(await runIn(folder)).toEqual({
    code: 6,
    stdout: '',
    stderr: 'berth: this checkout is not built; run: npm run setup\n',
  });

  await mkdir(join(folder, 'dist'));
  await writeFile(join(folder, 'dist', 'main.js'), 'console.log(process.argv[2])');
  expect(await runIn(folder)).toEqual({ code: 0, stdout: 'init\n', stderr: '' });
});
