import { execFile } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '@berth/testing';
import { transform } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { blocksOf, pages, root } from './pages.ts';

const run = promisify(execFile);

/**
 * An example is a block of `ts`. All are type-checked; all are run, from the root and with the built packages, but those marked `no-run`.
 * What a comment `// -> text` says is a line of what it prints.
 */
const examples = pages.flatMap((page) =>
  blocksOf(page)
    .filter(({ language }) => language === 'ts')
    .map((block) => ({
      ...block,
      name: `${page.path}:${block.line}`,
      file: `${page.path}-${block.line}.mts`.replaceAll('/', '-'),
    })),
);

const compilerOptions = {
  target: 'es2023',
  lib: ['es2023'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
};

/** What the compiler says of the examples, each a file that sees the packages of the root. */
async function problemsOfTypes(): Promise<string> {
  const { path: folder } = await temporaryFolder();
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, code } of examples) writeFileSync(join(folder, file), code);
  const files = examples.map(({ file }) => file);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const compiler = join(root, 'node_modules/.bin/tsc');
  try {
    await run(compiler, ['--project', folder, '--pretty', 'false'], { cwd: folder });
    return '';
  } catch (error) {
    const { stdout = String(error) } = error as { readonly stdout?: string };
    return stdout;
  }
}

describe('examples', () => {
  it('have right types', async () => {
    expect(await problemsOfTypes()).toBe('');
  });

  it.each(examples.filter(({ remark }) => remark !== 'no-run'))(
    'of $name runs',
    async ({ code }) => {
      const { code: script } = await transform(code, { loader: 'ts', target: 'es2023' });
      const args = ['--input-type=module', '--eval', script];
      // Another file of this process may have started TensorFlow in it, which sets this.
      const env = { ...process.env, TF_XLA_FLAGS: '' };
      const { stdout } = await run(process.execPath, args, { cwd: root, env });
      const printed = stdout.split('\n');
      const claimed = [...code.matchAll(/\/\/ -> (.+)$/gm)].map(([, line]) => line);
      expect(printed).toEqual(expect.arrayContaining(claimed));
    },
  );
});
