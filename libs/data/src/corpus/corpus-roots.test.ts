import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { corpusRootsFrom } from './corpus-roots.ts';
import { openCorpus } from './open-corpus.ts';

/** A folder that may be read, one that may not, and links from the first to the second. */
async function folders(): Promise<{ root: string; secret: string }> {
  const path = await mkdtemp(join(tmpdir(), 'berth-roots-'));
  onTestFinished(() => rm(path, { recursive: true }));
  const [root, secret] = [join(path, 'texts'), join(path, 'texts-private')];
  for (const folder of [root, secret]) await mkdir(folder);
  await writeFile(join(root, 'open.txt'), 'One sentence.\nAnother one.\n');
  await writeFile(join(secret, 'key.txt'), 'hunter2 topsecret\n');
  await symlink(join(secret, 'key.txt'), join(root, 'link.txt'));
  await symlink(secret, join(root, 'door'));
  return { root, secret };
}

const settings = { sentenceMode: 'lines' } as const;
const namesOf = async (path: string, roots: readonly string[]): Promise<string[]> =>
  (await openCorpus({ path, ...settings }, { roots })).files.map(({ name }) => name);

it('reads below the roots, and leaves out links that lead elsewhere, by name', async () => {
  const { root } = await folders();
  const { files, leftOut } = await openCorpus({ path: root, ...settings }, { roots: [root] });
  expect(files.map(({ name }) => name)).toEqual(['open.txt']);
  expect(leftOut.first).toContainEqual({
    name: 'link.txt',
    reason: 'a link out of the folders that runs may read',
  });
  expect(await namesOf(join(root, '*.txt'), ['/nowhere', root])).toEqual(['open.txt']);
  expect(await namesOf(root, [])).toEqual(['link.txt', 'open.txt']);
});

it('refuses what is elsewhere with the same words whether or not it is there', async () => {
  const { root, secret } = await folders();
  const paths = [
    secret,
    join(secret, 'key.txt'),
    join(secret, 'missing.txt'),
    join(secret, '*.txt'),
    join(root, '..', 'texts-private'),
    join(root, 'door'),
    join(root, 'door', '*'),
    join(root, 'link.txt'),
    '/proc/self/environ',
    '/',
  ];
  for (const path of paths)
    await expect(openCorpus({ path, ...settings }, { roots: [root] })).rejects.toMatchObject({
      code: 'DATA_CORPUS_NOT_FOUND',
      message: expect.stringContaining(`is not below ${root}, all that runs may read`) as string,
    });
});

it('takes roots from the environment, absolute ones only', () => {
  expect(corpusRootsFrom(undefined)).toEqual([]);
  expect(corpusRootsFrom('/a b:/c:')).toEqual(['/a b', '/c']);
  expect(() => corpusRootsFrom('/a:texts')).toThrow('BERTH_CORPUS_ROOTS: "texts" is not');
});
