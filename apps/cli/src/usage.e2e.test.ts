import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { berth } from './testing/berth-process.ts';

async function run(...args: string[]): ReturnType<typeof berth> {
  const { path: folder } = await temporaryFolder();
  writeFileSync(join(folder, 'run.json'), '{"name":"a","corpus":{"path":"bad.txt"}}');
  writeFileSync(join(folder, 'vocab.txt'), '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n');
  writeFileSync(join(folder, 'rows.csv'), `text,label\n${'a,x\nb,y\n'.repeat(20)}c,\n`);
  writeFileSync(
    join(folder, 'task.json'),
    '{"name":"a","task":{"kind":"classify","train":"rows.csv"},"vocabulary":{"path":"vocab.txt"}}',
  );
  writeFileSync(join(folder, 'bad.txt'), Buffer.from('Caf\xe9.\n', 'latin1'));
  return berth(
    args.map((arg) => arg.replace('FOLDER', folder)),
    { folder },
  );
}

describe('a command that cannot be done says why, in one line', () => {
  it.each([
    [['params', '--vocab-size', '0'], /'0' is invalid\. It must be a whole number from 1 to/],
    [['up', '--port', '65536'], /'65536' is invalid\. It must be a whole number from 0 to 65535/],
    [['train', 'FOLDER/run.json', '--workers', '0'], /'0' is invalid/],
    [['resume', 'a', '--threads', ''], /'' is invalid/],
    [['logs', 'a', '--follow'], /there is no command for logs; they are in .*\/logs/],
    [['export', 'a'], /required option '--to <place>' not specified/],
    [['export', 'a', '--to', 'x', '--for', 'onnx'], /Allowed choices are transformers, sentence-/],
    [['push', 'a', 'you/bert'], /HF_TOKEN is not set/],
    [['bench', 'nope'], /benchmarks are step, /],
    [['bench', 'questions', '--pairs', '6'], /Unknown option '--pairs'.*--help lists the options/],
    [['init', '--folder', '/proc/berth/a'], /\/proc\/berth\/a cannot be written: nothing can be/],
    [['init', '--folder', 'FOLDER/run.json/x'], /cannot be written: a part of the path is not a/],
    [['train', 'FOLDER/run.json'], /bad\.txt.*is not UTF-8/],
    [['finetune', 'FOLDER/task.json'], /rows\.csv: line 42: has no label/],
    [['finetune', 'FOLDER/run.json'], /task is missing: .*pre-train with .*berth.* train/],
  ])('%j', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(...args);
    const errors = stderr.split('\n').filter((line) => line.startsWith('error: '));
    expect({ exitCode, stdout, errors }).toEqual({
      exitCode: 2,
      stdout: '',
      errors: [expect.stringMatching(message)],
    });
    expect(stderr).not.toContain('Unexpected');
  });

  it('of an import, before a folder for its model is made', async () => {
    const { path: root } = await temporaryFolder();
    const folder = join(root, 'berth');
    const { exitCode, stderr } = await berth(['import', join(root, 'nope')], { folder });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 3,
      stderr: `error: There is no folder ${join(root, 'nope')}\n`,
    });
    expect(existsSync(folder)).toBe(false);
  });

  it('and as JSON for those who ask for that', async () => {
    for (const args of [
      ['train', 'FOLDER/run.json', '--set', 'model.size=bsae', '--json'],
      ['params', '--json', '--vocab-size', 'x'],
    ]) {
      const { exitCode, stdout } = await run(...args);
      expect(exitCode).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: expect.stringMatching(/CONFIG_INVALID|USAGE/) as string },
      });
    }
  });

  it('where help is asked for, gives it', async () => {
    expect(await run('bench', '--help')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/Usage: berth bench[^]*Benchmarks: step, /) as string,
    });
  });
});
