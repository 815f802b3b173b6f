import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installPart } from './wheel.mjs';

const realPath = process.env['PATH'];
const whereIsPython = ['-c', 'import sys; print(sys.executable)'];
const realPython = execFileSync('python3', whereIsPython, { encoding: 'utf8' }).trim();

let folder: string;
let part: Parameters<typeof installPart>[0];

/** A wheel of three files, and a python3 on PATH whose pip finds it in place of an index. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-wheel-'));
  const wheel = join(folder, 'thing-1.0-py3-none-any.whl');
  const makeWheel = `
import zipfile
with zipfile.ZipFile('${wheel}', 'w') as wheel:
    wheel.writestr('thing/lib/a.so', 'library')
    wheel.writestr('thing/other.py', 'code')
    program = zipfile.ZipInfo('thing/bin/run')
    program.external_attr = 0o100755 << 16
    wheel.writestr(program, 'program')
`;
  execFileSync(realPython, ['-c', makeWheel]);
  const sha256 = createHash('sha256')
    .update(await readFile(wheel))
    .digest('hex');
  part = {
    wheel: { name: 'thing', version: '1.0', sha256, tags: [] },
    folder: 'thing',
    keep: 'lib/.*\\.so|bin/run',
  };
  await installPython(
    `case "$*" in *"pip download"*) for last; do :; done; shift $(($# - 2)); exec /bin/cp ${wheel} "$1";; esac`,
  );
  process.env['PATH'] = folder;
});

afterEach(async () => {
  process.env['PATH'] = realPath;
  await rm(folder, { recursive: true });
});

describe('installPart', () => {
  it('keeps the wanted files with their modes, and nothing else', async () => {
    const target = join(folder, 'cache/tree/thing');
    await installPart(part, target);
    const files = await readdir(target, { recursive: true });
    expect(files.toSorted()).toEqual(['bin', 'bin/run', 'lib', 'lib/a.so']);
    expect((await stat(join(target, 'bin/run'))).mode & 0o777).toBe(0o755);
    expect((await stat(join(target, 'lib/a.so'))).mode & 0o111).toBe(0);
    expect(await readdir(join(folder, 'cache/tree'))).toEqual(['thing']);
  });

  it('refuses a file with another digest', async () => {
    const pin = { ...part, wheel: { ...part.wheel, sha256: '0'.repeat(64) } };
    expect(await failureOf(pin)).toMatch(
      /^the wheel of thing 1\.0 has sha256 [0-9a-f]{64}, not 0+ ; /,
    );
  });

  it('refuses a wheel without the wanted files', async () => {
    expect(await failureOf({ ...part, keep: 'nothing' })).toMatch(/no member matches .* ; /);
  });

  it("repeats pip's reason when a download fails", async () => {
    await installPython(
      'case "$*" in *"pip download"*) echo "ERROR: Could not find a version" >&2; exit 1;; esac',
    );
    expect(await failureOf(part)).toMatch(
      /^pip could not download thing==1\.0 \(ERROR: Could not .*\) ; check/,
    );
  });

  it('says that pip or python3 is missing', async () => {
    await installPython('echo "No module named pip" >&2; exit 1');
    expect(await failureOf(part)).toMatch(/^python3 has no pip ; install it/);
    await rm(join(folder, 'python3'));
    expect(await failureOf(part)).toMatch(/^python3 is not on PATH ; install it/);
  });
});

/** The message of a failed installation, which must leave nothing behind. */
async function failureOf(wanted: typeof part): Promise<string> {
  const cache = join(folder, 'failed');
  const error: unknown = await installPart(wanted, join(cache, 'thing')).catch(
    (reason: unknown) => reason,
  );
  expect(await readdir(cache)).toEqual([]);
  return error instanceof Error ? error.message : 'no failure';
}

/** A program that runs the lines given and then, unless they ended it, the real python3. */
async function installPython(lines: string): Promise<void> {
  const script = `#!/bin/sh\n${lines}\nexec ${realPython} "$@"\n`;
  await writeFile(join(folder, 'python3'), script, { mode: 0o755 });
}
