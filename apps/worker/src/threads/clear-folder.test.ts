import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clearFolder } from './clear-folder.ts';

describe('the folder in which documents are sorted aside', () => {
  it('holds nothing of an earlier process, and leaves those of other workers alone', async () => {
    const path = mkdtempSync(join(tmpdir(), 'berth-spill-'));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    const [own, other] = [join(path, 'tmp', 'worker-2'), join(path, 'tmp', 'worker-3')];
    expect(await clearFolder(own)).toBe(own);
    mkdirSync(join(own, 'documents-left'));
    await clearFolder(other);
    expect(existsSync(join(own, 'documents-left'))).toBe(true);
    await clearFolder(own);
    expect(existsSync(join(own, 'documents-left'))).toBe(false);
    expect(statSync(own).isDirectory()).toBe(true);
  });

  it('is where the system has its temporary files, for a worker without one', async () => {
    expect(await clearFolder(undefined)).toBe(tmpdir());
  });
});
