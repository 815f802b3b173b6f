import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { findFolder, requireFolder } from './folder.ts';

/** A tree with a project that has run something, and a place deep in it. */
async function tree(): Promise<{ root: string; deep: string }> {
  const { path: root } = await temporaryFolder();
  const deep = join(root, 'project', 'text', 'more');
  mkdirSync(deep, { recursive: true });
  return { root, deep };
}

describe('the folder of the data', () => {
  it('is the nearest one upwards', async () => {
    const { root, deep } = await tree();
    mkdirSync(join(root, '.berth'));
    expect(findFolder({}, deep)).toBe(join(root, '.berth'));
    mkdirSync(join(root, 'project', '.berth'));
    expect(findFolder({}, deep)).toBe(join(root, 'project', '.berth'));
  });

  it('is one to be made here when there is none, and none that is a file', async () => {
    const { root, deep } = await tree();
    writeFileSync(join(root, '.berth'), '');
    expect(findFolder({}, deep)).toBe(join(deep, '.berth'));
  });

  it('is the named one before any other, relative to here', async () => {
    const { root, deep } = await tree();
    mkdirSync(join(root, '.berth'));
    expect(findFolder({ BERTH_FOLDER: '../data' }, deep)).toBe(join(deep, '..', 'data'));
    expect(findFolder({ BERTH_FOLDER: '' }, deep)).toBe(join(root, '.berth'));
  });

  it.runIf(process.getuid?.() === 0)('is never one of another user', async () => {
    const { root, deep } = await tree();
    mkdirSync(join(root, '.berth'));
    chownSync(join(root, '.berth'), 65_534, 65_534);
    expect(findFolder({}, deep)).toBe(join(deep, '.berth'));
  });

  it('is missed by what needs one, which says where it looked', async () => {
    const { root, deep } = await tree();
    const folder = findFolder({}, deep);
    expect(() => requireFolder({ env: {}, folder })).toThrow(
      `There is no .berth in ${deep} or above`,
    );
    const env = { BERTH_FOLDER: join(root, 'gone') };
    expect(() => requireFolder({ env, folder: findFolder(env, deep) })).toThrow(
      `BERTH_FOLDER names ${join(root, 'gone')}, which is not there`,
    );
  });
});
