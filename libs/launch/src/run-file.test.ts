import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './run-file.ts';

const { path: folder } = await temporaryFolder();

function runFile(text: string): string {
  const file = join(mkdtempSync(join(folder, 'config-')), 'run.yaml');
  writeFileSync(file, text);
  return file;
}

describe('run files', () => {
  it('fill in defaults and resolve paths against the file', () => {
    const file = runFile('name: a\ncorpus: { path: text/*.txt }\n');
    const { config } = loadConfig(file);
    expect(config.corpus?.path).toBe(join(file, '..', 'text/*.txt'));
    expect(config.train.virtualRanks).toBe(8);
  });

  it.each(['https://example.org/a.txt', 'S3://bucket/a.txt', '~/text'])(
    'refuse what is no path: %s',
    (path) => {
      expect(() => loadConfig(runFile(`name: a\ncorpus: { path: "${path}" }\n`))).toThrow(
        /corpus\.path/,
      );
    },
  );

  it('may call a setting, or an override, as earlier releases did', () => {
    const file = runFile('name: a\ncorpus: { path: x }\ntrain: { wire: bf16 }\n');
    const renamed = [{ before: 'train.wire', now: 'train.allReduceDtype' }];
    const written = loadConfig(file);
    expect(written.config.train.allReduceDtype).toBe('bf16');
    expect(written.renamed).toEqual(renamed);
    for (const name of ['wire', 'allReduceDtype']) {
      const overridden = loadConfig(file, [`train.${name}=fp32`]);
      expect(overridden.config.train.allReduceDtype).toBe('fp32');
      expect(overridden.renamed).toEqual(renamed);
    }
    expect(() => loadConfig(file, ['train.wire=fp8'])).toThrow(/^--set train\.wire=fp8: /);
    expect(loadConfig(runFile('name: a\ncorpus: { path: x }\n')).renamed).toEqual([]);
  });

  it('take overrides, read as YAML', () => {
    const file = runFile('name: a\ncorpus: { path: x }\n');
    const { config } = loadConfig(file, ['train.numSteps=7', 'vocabulary.doLowerCase=false']);
    expect(config.train.numSteps).toBe(7);
    expect(config.vocabulary.doLowerCase).toBe(false);
  });

  it.each([
    [
      'name: a\ncorpus: { path: x }\ntrain: { numStep: 5 }\n',
      'did you mean "numSteps"?',
      'CONFIG_UNKNOWN_KEY',
    ],
    ['name: a\ncorpus: { path: x }\nmodle: {}\n', 'did you mean "model"?', 'CONFIG_UNKNOWN_KEY'],
    [
      'name: a\ncorpus: { path: x }\ntrain: { globalBatch: 20 }\n',
      'use a multiple of 8',
      'CONFIG_INVALID',
    ],
    [
      'name: a\ncorpus: { path: x }\ntrain: { virtualRanks: 3 }\n',
      'not a power of two',
      'CONFIG_INVALID',
    ],
    ['name: a\n', 'corpus', 'CONFIG_INVALID'],
    ['[1, 2]', 'must hold keys', 'CONFIG_INVALID'],
    ['a: [', 'not YAML', 'CONFIG_INVALID'],
  ])('refuse %j', (text, message, code) => {
    const file = runFile(text);
    let caught: unknown;
    try {
      loadConfig(file);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code });
    expect(String(caught)).toContain(message);
    expect(String(caught)).toContain(file);
  });

  it.each([
    ['__proto__.x=1', 'CONFIG_UNKNOWN_KEY', /^--set __proto__\.x=1: unknown key "__proto__"/],
    ['train.constructor.y=1', 'CONFIG_UNKNOWN_KEY', /unknown key "train\.constructor"/],
    [`a='"'`.replaceAll("'", ''), 'CONFIG_INVALID', /^--set a=": not YAML: [^\n]+$/],
    ['train.numSteps=*a', 'CONFIG_INVALID', /^--set train\.numSteps=\*a: not YAML: [^\n]+$/],
    ['=*a', 'USAGE', /^--set =\*a: write it as key=value/],
    ['train..numSteps=1', 'USAGE', /write it as key=value/],
    ['train.numSteps', 'USAGE', /write it as key=value/],
    ['train.numSteps=x', 'CONFIG_INVALID', /^--set train\.numSteps=x: train\.numSteps: must be/],
    ['train={numStep: 1}', 'CONFIG_UNKNOWN_KEY', /^--set train=\{numStep: 1\}: unknown key/],
    [
      'train.virtualRanks=64',
      'CONFIG_INVALID',
      /^--set train\.virtualRanks=64: train\.globalBatch/,
    ],
    [
      'optimizer.beta1=2',
      'CONFIG_INVALID',
      /^--set optimizer\.beta1=2: .* must be below 1, not 2$/,
    ],
  ])('blame --set %s for its own mistake', (override, code, message) => {
    const file = runFile('name: a\ncorpus: { path: x }\ntrain: { globalBatch: 32 }\n');
    let caught: unknown;
    try {
      loadConfig(file, ['train.numSteps=7', override]);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect({}).not.toHaveProperty('x');
    expect({}.constructor).not.toHaveProperty('y');
  });

  it('are blamed for theirs, whatever is set beside', () => {
    const file = runFile('name: a\ncorpus: { path: x }\ntrain: { numStep: 1 }\n');
    expect(() => loadConfig(file, ['train.numSteps=7'])).toThrow(`${file}: unknown key`);
  });

  it('name a file that is not there', () => {
    expect(() => loadConfig('/nowhere/run.yaml')).toThrow(/\/nowhere\/run.yaml: cannot be read/);
  });
});
