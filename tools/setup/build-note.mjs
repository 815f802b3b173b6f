import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from './command.mjs';

/**
 * Which commit was compiled, as `berth --version` and the coordinator tell it; null where this is no checkout.
 * @param {{ root: string }} folders
 * @returns {import('./step.mjs').Step}
 */
export function buildNoteStep({ root }) {
  const file = join(root, 'dist/build.json');
  const note = async () => JSON.stringify({ commit: await commitOf(root) });
  return {
    name: 'note',
    after: ['build'],
    isDone: async () => {
      const wanted = await note();
      const written = await readFile(file, 'utf8').catch(() => '');
      return written === wanted ? (JSON.parse(wanted).commit ?? 'not a git checkout') : undefined;
    },
    missing: 'the build is of another commit than the sources',
    doing: 'noting the commit',
    perform: async () => {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, await note());
    },
  };
}

/**
 * The commit of a checkout, with `-dirty` behind it where files differ from it; null elsewhere.
 * @param {string} root
 */
async function commitOf(root) {
  const top = await run('git', ['-C', root, 'rev-parse', '--show-toplevel']);
  if (!top.ok || top.stdout.trim() !== (await realpath(root))) return null;
  const options = ['--always', '--dirty', '--abbrev=12', '--exclude=*'];
  const described = await run('git', ['-C', root, 'describe', ...options]);
  return described.ok ? described.stdout.trim() : null;
}
