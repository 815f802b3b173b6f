import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from './command.mjs';

interface Entry {
  readonly name?: string;
  readonly version?: string;
  readonly dev?: boolean;
  readonly integrity?: string;
  readonly link?: boolean;
}

/** What tfjs-node-gpu's install scripts and tfjs's command line need, and what those need: old, and never run by berth. */
const leftOut = [
  '@mapbox/node-pre-gyp',
  '@types/node-fetch',
  'adm-zip',
  'agent-base',
  'argparse',
  'chalk',
  'core-js',
  'form-data',
  'gauge',
  'glob',
  'https-proxy-agent',
  'inflight',
  'minimatch',
  'npmlog',
  'progress',
  'regenerator-runtime',
  'rimraf',
  'tar',
  'yargs',
];

const root = new URL('../../', import.meta.url);
const { packages } = JSON.parse(await readFile(new URL('package-lock.json', root), 'utf8')) as {
  packages: Record<string, Entry>;
};
const installed = Object.entries(packages)
  .filter(([folder]) => folder.startsWith('node_modules/') || folder.includes('/node_modules/'))
  .map(([folder, entry]) => ({
    ...entry,
    name: entry.name ?? folder.split('node_modules/').pop(),
  }));

describe('package-lock.json', () => {
  it('holds nothing of an installer among what runs', () => {
    const names = installed.filter(({ dev }) => dev !== true).map(({ name }) => name);
    expect(names).toContain('@tensorflow/tfjs-node-gpu');
    expect(names.filter((name) => leftOut.includes(name ?? ''))).toEqual([]);
  });

  it('says the digest of every package', () => {
    const without = installed.filter(({ integrity, link }) => !integrity && link !== true);
    expect(without.map(({ name }) => name)).toEqual([]);
  });
});

describe('npm install, also by hand', () => {
  it('runs no scripts of packages', async () => {
    const { npm_config_ignore_scripts: _, ...env } = process.env;
    const said = await run('npm', ['config', 'get', 'ignore-scripts'], {
      cwd: fileURLToPath(root),
      env,
    });
    expect(said.stdout.trim()).toBe('true');
  });
});
