import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { spillFolder } from './spill-folder.ts';

describe('the folder in which documents are sorted aside', () => {
  it('lies with the data of the cluster, and holds nothing of an earlier process', async () => {
    const path = mkdtempSync(join(tmpdir(), 'berth-spill-'));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    const env = { BERTH_FOLDER: path, BERTH_WORKER_NAME: 'worker-2' };
    const folder = await spillFolder(env);
    expect(folder.startsWith(path)).toBe(true);
    mkdirSync(join(folder, 'documents-left'));
    const other = await spillFolder({ ...env, BERTH_WORKER_NAME: 'worker-3' });
    expect(existsSync(join(folder, 'documents-left'))).toBe(true);
    expect(other).not.toBe(folder);
    expect(await spillFolder(env)).toBe(folder);
    expect(existsSync(join(folder, 'documents-left'))).toBe(false);
    expect(statSync(folder).isDirectory()).toBe(true);
  });

  it('is where the system has its temporary files, for a worker without one', async () => {
    expect(await spillFolder({})).toBe(tmpdir());
  });
});
