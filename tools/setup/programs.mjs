import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { SetupFailure } from './failure.mjs';

/** What starts often: the compiled module of each process and of each of its threads, by the name of its program. */
const programs = {
  cli: 'apps/cli/dist/main.js',
  coordinator: 'apps/coordinator/dist/main.js',
  worker: 'apps/worker/dist/main.js',
  'runtime-thread': 'apps/worker/dist/threads/runtime-thread.js',
  'data-thread': 'apps/worker/dist/threads/data-thread.js',
  'peers-thread': 'apps/worker/dist/threads/peers-thread.js',
  inference: 'libs/inference/dist/program/main.js',
};

/** By what one process starts another. */
const started = {
  '@berth/coordinator/program': 'coordinator',
  '@berth/worker/program': 'worker',
  '@berth/inference/program': 'inference',
};

/** What has one copy in a thread, or parts that are no JavaScript. */
const external = ['@tensorflow/*', '*.node'];

/** Raised when programs are made in another way. */
const revision = 2;

/**
 * The processes of berth as few files each: a process loads hundreds of modules otherwise, which takes most of its start.
 * What starts them (`startProgram`) uses them while they are those of the present build, and the modules themselves if not.
 * @param {{ root: string }} folders
 * @returns {import('./step.mjs').Step}
 */
export function programsStep({ root }) {
  const folder = join(root, 'dist/programs');
  const file = join(folder, 'inputs.json');
  return {
    name: 'programs',
    after: ['build'],
    isDone: async () => {
      const wanted = JSON.stringify(await inputsOf(root, folder));
      const written = await readFile(file, 'utf8').catch(() => '');
      return written === wanted ? 'up to date' : undefined;
    },
    missing: 'what starts is not put together from the present build',
    doing: 'putting together what starts',
    perform: async () => {
      const inputs = await inputsOf(root, folder);
      const fresh = `${folder}.new`;
      await rm(fresh, { recursive: true, force: true });
      await bundle(root, fresh);
      await writeFile(join(fresh, 'inputs.json'), JSON.stringify(inputs));
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder);
    },
  };
}

/**
 * What tells one build from another: the compiler writes each package's record whenever it compiles it.
 * @param {string} root
 * @param {string} folder - that paths are relative to
 */
async function inputsOf(root, folder) {
  const records = ['node_modules/.package-lock.json'];
  for (const group of ['libs', 'apps'])
    for (const name of (await readdir(join(root, group))).toSorted())
      records.push(`${group}/${name}/dist/tsconfig.tsbuildinfo`);
  const changed = await Promise.all(
    records.map(async (path) => {
      const { mtimeMs } = await stat(join(root, path)).catch(() => ({ mtimeMs: 0 }));
      return [relative(folder, join(root, path)), mtimeMs];
    }),
  );
  return { revision, changed: changed.filter(([, mtimeMs]) => mtimeMs > 0) };
}

/**
 * @param {string} root
 * @param {string} folder
 */
async function bundle(root, folder) {
  const { build } = createRequire(import.meta.url)('esbuild');
  const paths = Object.entries(programs).map(([name, path]) => [name, join(root, path)]);
  try {
    await build({
      entryPoints: Object.fromEntries(paths),
      outdir: folder,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external,
      banner: { js: banner },
      plugins: [inPlace(root, folder, new Map(paths.map(([name, path]) => [path, name])))],
      logLevel: 'silent',
    });
  } catch (error) {
    const [first] = error.errors ?? [];
    throw new SetupFailure(
      `what starts cannot be put together (${first?.text ?? error.message})`,
      'please report it; berth works without: npm run setup -- --only=build,note',
    );
  }
}

/** Packages of CommonJS ask for Node's own modules; processes that are started are found here. */
const banner = [
  `import { createRequire as berthRequire } from 'node:module';`,
  `const require = berthRequire(import.meta.url);`,
  `const berthPrograms = ${JSON.stringify(started)};`,
  `const berthResolve = (name) => Object.hasOwn(berthPrograms, name) ? new URL('./' + berthPrograms[name] + '.js', import.meta.url).href : import.meta.resolve(name);`,
].join('\n');

/**
 * Keeps for each of berth's modules what it says of its own place, as it looks for files beside it, but for programs: those that it
 * starts are the ones that lie here.
 * @param {string} root
 * @param {string} folder - that programs are made in; a folder beside it has the same way to the modules
 * @param {ReadonlyMap<string, string>} names - of programs, by their module
 * @returns {import('esbuild').Plugin}
 */
function inPlace(root, folder, names) {
  return {
    name: 'in-place',
    setup(build) {
      build.onLoad({ filter: /\/(libs|apps)\/[^/]+\/dist\/.*\.js$/ }, async ({ path }) => {
        if (relative(root, path).startsWith('..')) return undefined;
        const text = await readFile(path, 'utf8');
        const own = JSON.stringify(relative(folder, path));
        const contents = text
          .replaceAll(/new URL\('(\.[^']*\.js)', import\.meta\.url\)/g, (whole, target) => {
            const name = names.get(resolve(dirname(path), target));
            return name === undefined ? whole : `new URL('./${name}.js', import.meta.berth)`;
          })
          .replaceAll('import.meta.url', `new URL(${own}, import.meta.berth).href`)
          .replaceAll('import.meta.berth', 'import.meta.url')
          .replaceAll('import.meta.resolve(', 'berthResolve(');
        return { contents, loader: 'js' };
      });
    },
  };
}
