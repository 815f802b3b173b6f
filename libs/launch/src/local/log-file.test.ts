import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { temporaryFolder, waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { LogFile } from './log-file.ts';

it('drops what a full disk does not take, says so once, and keeps nobody waiting', async () => {
  const said: string[] = [];
  const log = new LogFile('/dev/full', (message) => said.push(message));
  const source = new PassThrough();
  log.take(source);
  source.write('first\n');
  await waitFor(() => said.length > 0, { what: 'the word' });
  // More than any buffer on the way would hold.
  for (let index = 0; index < 100; index++) source.write(Buffer.alloc(100_000));
  source.end();
  await waitFor(() => source.readableEnded, { what: 'the end' });
  await log.close();
  expect(said).toEqual([
    expect.stringMatching(/^\/dev\/full cannot be written: ENOSPC.*lines are dropped until/),
  ]);
});

it('has all lines when it is closed', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const log = new LogFile(join(folder.path, 'logs', 'a.log'), () => expect.unreachable());
  const sources = [new PassThrough(), new PassThrough()];
  for (const source of sources) {
    log.take(source);
    for (let line = 0; line < 1_000; line++) source.write(`${line}\n`);
    source.end();
  }
  await waitFor(() => sources.every((source) => source.readableEnded), { what: 'the ends' });
  await log.close();
  const lines = (await readFile(join(folder.path, 'logs', 'a.log'), 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(2_000);
});
