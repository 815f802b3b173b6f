import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { blocksOf, pages, root } from './pages.ts';

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
      file: join(root, `${page.path}-${block.line}.mts`.replaceAll('/', '-')),
    })),
);

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
};

/** What the compiler says of the examples, as if each were a file in the root. */
function problemsOfTypes(): string[] {
  const files = new Map(examples.map(({ file, code }) => [file, code]));
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => files.has(path) || disk.fileExists(path),
    readFile: (path) => files.get(path) ?? disk.readFile(path),
    getSourceFile: (path, version, ...rest) => {
      const code = files.get(path);
      return code === undefined
        ? disk.getSourceFile(path, version, ...rest)
        : ts.createSourceFile(path, code, version);
    },
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    return `${file?.fileName} + ${line + 1}: ${text}`;
  });
}

describe('examples', () => {
  it('have right types', () => {
    expect(problemsOfTypes()).toEqual([]);
  });

  it.each(examples.filter(({ remark }) => remark !== 'no-run'))(
    'of $name runs',
    async ({ code }) => {
      const { outputText } = ts.transpileModule(code, {
        compilerOptions: { ...options, noEmit: false },
        fileName: 'example.mts',
      });
      const args = ['--input-type=module', '--eval', outputText];
      // Another file of this process may have started TensorFlow in it, which sets this.
      const env = { ...process.env, TF_XLA_FLAGS: '' };
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env });
      const printed = stdout.split('\n');
      const claimed = [...code.matchAll(/\/\/ -> (.+)$/gm)].map(([, line]) => line);
      expect(printed).toEqual(expect.arrayContaining(claimed));
    },
  );
});
