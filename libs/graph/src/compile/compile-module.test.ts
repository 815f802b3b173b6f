import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const tests = fileURLToPath(new URL('../../test', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'berth-compile-module-'));
const modules = join(folder, 'modules');
cpSync(tests, modules, { recursive: true });

afterAll(() => rmSync(folder, { recursive: true }));

interface Failure {
  readonly code: string;
  readonly message: string;
}

interface Total {
  readonly results: unknown;
  readonly names: readonly string[];
  readonly numTensorsBefore: readonly number[];
  readonly numTensors: readonly number[];
}

type Report = { readonly total: Total } & Record<
  'reading' | 'missing' | 'broken' | 'crashing' | 'endless',
  Failure
>;

/** Runs test/compile-module.mjs in a process: a child process of vitest's could not load TypeScript. */
function run(
  cache: string,
  args: readonly string[] = [],
  execArgv: readonly string[] = [],
): Report {
  const script = join(tests, 'compile-module.mjs');
  const output = execFileSync(
    process.execPath,
    [...execArgv, script, join(folder, cache), modules, ...args],
    { encoding: 'utf8', stdio: 'pipe' },
  );
  return JSON.parse(output) as Report;
}

/** The folders in a cache with the time each was made. */
function contents(cache: string): string[] {
  const path = join(folder, cache);
  return readdirSync(path).map((name) => `${name} ${statSync(join(path, name)).ctimeMs}`);
}

const results = [
  [[6], [8, 9]],
  [[12], [9, 10]],
];

describe('a module compiled in a child process', () => {
  it('gives its function, without its tensors, and its failures as one error each', () => {
    const report = run('cache');
    expect(report.total.results).toEqual(results);
    expect(report.total.names.toSorted()).toEqual(['calls', 'sum/all']);
    expect(report.total.numTensors).toEqual(report.total.numTensorsBefore);
    expect(report.reading).toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining(
        'operation Max cannot be compiled: its result is read',
      ) as string,
    });
    expect(report.missing.message).toMatch(/^the module file:.* exports no function notAFunction$/);
    expect(report.broken.message).toMatch(/module-broken.mjs does not load: not today$/);
    expect(report.crashing).toMatchObject({
      code: 'WORKER_LOST',
      message: expect.stringMatching(
        /crashing of file:.* ended with SIGKILL: .*the last words/s,
      ) as string,
    });
    expect(report.endless).toMatchObject({
      code: 'WORKER_TIMEOUT',
      message: expect.stringContaining('took longer than 4000 ms') as string,
    });
  });

  it('is taken from the cache until the module or a file that it imports changes', () => {
    run('again', ['only-total']);
    const first = contents('again');
    expect(run('again', ['only-total']).total.results).toEqual(results);
    expect(contents('again')).toEqual(first);
    writeFileSync(join(modules, 'module-import.mjs'), 'export const twice = 20;\n');
    expect(run('again', ['only-total']).total.results).toEqual([
      [[60], [8, 9]],
      [[120], [9, 10]],
    ]);
    expect(contents('again')).toHaveLength(2);
    cpSync(join(tests, 'module-import.mjs'), join(modules, 'module-import.mjs'));
  });

  it('works where the library is run as TypeScript', () => {
    const execArgv = ['--import', import.meta.resolve('tsx'), '--conditions=@berth/source'];
    expect(run('typescript', ['only-total'], execArgv).total.results).toEqual(results);
  });
});
