import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const program = 'apps/cli/bin/berth.js';

/** Runs a copy of the program in a checkout of its own. */
async function runIn(folder: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(folder, program), 'init'], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

it('says in a checkout that is not built what builds it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-bin-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  for (const path of [program, 'libs/observability/bin/start-program.js']) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await copyFile(join(root, path), join(folder, path));
  }

  expect(await runIn(folder)).toEqual({
    code: 6,
    stdout: '',
    stderr: 'berth: this checkout is not built; run: npm run setup\n',
  });

  await mkdir(join(folder, 'apps/cli/dist'));
  await writeFile(join(folder, 'apps/cli/dist/main.js'), 'console.log(process.argv[2])');
  expect(await runIn(folder)).toEqual({ code: 0, stdout: 'init\n', stderr: '' });
});
