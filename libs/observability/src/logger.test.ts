import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from './logger.ts';

function capture(): { lines: () => string[]; stream: Writable } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, lines: () => text.trimEnd().split('\n') };
}

function logTo(options: Partial<LoggerOptions>): ReturnType<typeof capture> & {
  logger: ReturnType<typeof createLogger>;
} {
  const output = capture();
  const defaults = { level: 'info', format: 'json', stream: output.stream } as const;
  return { ...output, logger: createLogger({ ...defaults, ...options }) };
}

describe('createLogger', () => {
  it('writes one JSON object a line, with the fields of the process and of the child', () => {
    const { logger, lines } = logTo({ fields: { app: 'worker' } });
    logger.child({ runId: 'r' }).info('Started', { step: 3 });
    expect(JSON.parse(lines()[0] ?? '')).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      level: 'info',
      message: 'Started',
      app: 'worker',
      runId: 'r',
      step: 3,
    });
  });

  it('leaves out what is below its level', () => {
    const { logger, lines } = logTo({ level: 'warn' });
    logger.info('quiet');
    logger.warn('loud');
    expect(lines().map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
      'loud',
    ]);
  });

  it('masks secrets in message and fields', () => {
    const { logger, lines } = logTo({});
    logger.error('redis://u:hunter2@host', { password: 'hunter2', error: new Error('hunter3') });
    expect(lines()[0]).not.toContain('hunter2');
    expect(lines()[0]).toContain('hunter3');
  });

  it('keeps fields that are named like parts of the record', () => {
    const { logger, lines } = logTo({ format: 'pretty' });
    logger.info('Text', { message: 'inner', level: 'x y' });
    expect(lines()[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}Text message=inner level="x y"$/);
  });

  it('appends JSON lines to a file that is complete once closed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-log-'));
    const file = join(folder, 'worker.jsonl');
    const { logger } = logTo({ format: 'pretty', file });
    for (let step = 0; step < 100; step++) logger.info('Step', { step });
    await logger.close();
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual(
      Array.from({ length: 100 }, (_, step) => step),
    );
    await rm(folder, { recursive: true });
  });
});
