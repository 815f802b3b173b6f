import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildInfo, describeBuild, linkedLibrary } from './build-info.ts';

describe('a build', () => {
  it('is of the release that the packages have, on what setup has installed', () => {
    const root = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(root) as { version: string };
    const { node } = process.versions;
    expect(buildInfo()).toMatchObject({ version, node });
    expect(buildInfo().tensorflow).toMatch(/^tensorflow-(cpu-)?\d+\.\d+\.\d+$/);
  });

  it.each([
    [
      '62dc62e0c1d2',
      'tensorflow-2.21.0',
      'berth 1.2.0 (62dc62e0c1d2), Node 22.1.0, tensorflow-2.21.0',
    ],
    [null, null, 'berth 1.2.0, Node 22.1.0, no TensorFlow'],
  ])('of commit %s is told with what it runs on', (commit, tensorflow, text) => {
    expect(describeBuild({ version: '1.2.0', commit, node: '22.1.0', tensorflow })).toBe(text);
  });

  it('of another addon has another library, or none that is known', () => {
    const elf = (path: string): string => `\u007fELF\0\0libtensorflow_cc.so.2\0${path}\0\u00ff`;
    expect(linkedLibrary(elf('$ORIGIN/../tensorflow-2.22.1/tensorflow'))).toBe('tensorflow-2.22.1');
    expect(linkedLibrary(elf('/usr/lib'))).toBeNull();
    expect(linkedLibrary('')).toBeNull();
  });
});
