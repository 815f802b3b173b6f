import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('main.mjs', import.meta.url));

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'berth-cache-'));
});

afterEach(() => {
  rmSync(cache, { recursive: true });
});

describe('setup', () => {
  it('only reports with --check, and exits with 6 when something is missing', () => {
    const { status, stdout } = setup(['--check', '--no-gpu']);
    expect(status).toBe(6);
    expect(stdout).toMatch(/^tensorflow +missing: tensorflow-cpu-2\.21\.0/m);
    expect(stdout).toMatch(/^addon +missing: /m);
    expect(stdout).toMatch(/^kernels +missing: /m);
    expect(readdirSync(cache)).toEqual([]);
  });

  it('ends with one line when a program it needs is not there', () => {
    const { status, stderr } = setup(['--no-gpu'], { PATH: cache });
    expect(status).toBe(6);
    expect(stderr).toMatch(/^setup: python3 is not on PATH ; install it, .*\n$/);
  });

  it.each([['--chekc'], ['--redis=docker'], ['--gpu', '--no-gpu']])('refuses %s', (...args) => {
    const { status, stderr } = setup(args);
    expect(status).toBe(6);
    expect(stderr).toMatch(/^setup: .* ; see npm run setup -- --help\n$/);
  });
});

function setup(
  args: readonly string[],
  env: Record<string, string> = {},
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, ...args], {
    env: { ...process.env, XDG_CACHE_HOME: cache, ...env },
    encoding: 'utf8',
  });
}
