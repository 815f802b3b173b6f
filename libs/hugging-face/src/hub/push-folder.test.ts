import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { readHuggingFaceFolder } from '../folder/read-folder.ts';
import { startHubServer } from '../testing/hub-server.ts';
import { writeMicroFolder } from '../testing/micro-folder.ts';
import { writeHuggingFaceFolder, type WrittenFolder } from '../writing/write-folder.ts';
import { createModelRepo, pushFolder } from './push-folder.ts';

async function written(): Promise<WrittenFolder> {
  const { path } = await temporaryFolder();
  const source = await readHuggingFaceFolder(writeMicroFolder(join(path, 'from')));
  return writeHuggingFaceFolder(source, join(path, 'to'));
}

const step = (n: number): { title: string; revision: string } => ({
  title: `step ${n}`,
  revision: `step-${n}`,
});

describe('a pushed folder', () => {
  it('is on main, file by file, and stays at a branch of its own', async () => {
    const { folder, files } = await written();
    const hub = await startHubServer('you/bert');
    const place = { repo: 'you/bert', token: hub.token, endpoint: `${hub.endpoint}/` };
    const pushed = await pushFolder(folder, files, place, step(1));
    await pushFolder(folder, files, place, step(2));
    expect(pushed).toMatchObject({ revision: 'step-1' });
    expect(pushed.commitUrl).toContain('/you/bert/commit/');
    expect(hub.branches.get('main')?.map(({ summary }) => summary)).toEqual(['step 1', 'step 2']);
    const [commit] = hub.branches.get('step-1') ?? [];
    expect([...(commit?.files.keys() ?? [])].sort()).toEqual([...files].sort());
    for (const name of files)
      expect(commit?.files.get(name)).toEqual(readFileSync(join(folder, name)));
  });

  it.each([
    [
      'with a token that is not known',
      'STORE_REFUSED',
      /does not know the token/,
      { token: 'hf_no' },
    ],
    [
      'with a token that may only read',
      'STORE_REFUSED',
      /may not write to you\/bert.*This token may only read/,
      { token: 'hf_read' },
    ],
    [
      'to no repository',
      'STORE_NOT_FOUND',
      /no model repository you\/other/,
      { repo: 'you/other' },
    ],
    ['to no server', 'STORE_UNREACHABLE', /cannot be reached/, { endpoint: 'http://127.0.0.1:9' }],
  ])('%s is refused in a line', async (_, code, message, change) => {
    const { folder, files } = await written();
    const { endpoint, token } = await startHubServer('you/bert');
    const place = { repo: 'you/bert', token, endpoint, ...change };
    const error = await pushFolder(folder, files, place, step(1)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as unknown });
    expect((error as Error).message).not.toContain('\n');
  });

  it('may get a repository made for it', async () => {
    const hub = await startHubServer('you/bert');
    const place = { repo: 'you/new', token: hub.token, endpoint: hub.endpoint };
    await createModelRepo(place);
    await createModelRepo(place);
    expect(hub.repos).toContain('you/new');
  });
});
