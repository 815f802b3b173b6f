import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { logLineSchema, maxLogLineBytes, type LogLine } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { LogShipper } from './log-shipper.ts';
import { createLogger, type RootLogger } from './logger.ts';

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
const about = { app: 'worker', source: 'worker-1-abc' };

interface Setting {
  readonly logger: RootLogger;
  readonly shipper: LogShipper;
  readonly batches: LogLine[][];
  isAway: boolean;
}

function setting({ capacity = 1_000 } = {}): Setting {
  const batches: LogLine[][] = [];
  const shipper = new LogShipper({
    ...about,
    capacity,
    async sink(lines) {
      await sleep(1);
      if (made.isAway) throw new Error('away');
      batches.push([...lines]);
    },
  });
  const logger = createLogger({
    level: 'info',
    format: 'json',
    stream: nowhere(),
    shipper,
    fields: { app: 'worker', worker: about.source },
    context: () => ({ runId: 'run', attempt: 2, step: 7 }),
  });
  const made: Setting = { logger, shipper, batches, isAway: false };
  return made;
}

/** What is in use, garbage left out. */
function liveBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('a log shipper', () => {
  it('ships lines with run, attempt, step and process', async () => {
    const { logger, shipper, batches } = setting();
    logger.child({ part: 'peers' }).warn('Slow', { step: 9, worker: 'worker-2-def', ms: 3 });
    logger.debug('Not at this level');
    await shipper.close();
    const [line] = batches.flat();
    expect(logLineSchema.parse(line)).toEqual({
      ...about,
      timeMs: expect.any(Number) as number,
      level: 'warn',
      message: 'Slow',
      runId: 'run',
      attempt: 2,
      step: 9,
      fields: { part: 'peers', worker: 'worker-2-def', ms: 3 },
    });
    expect(batches.flat()).toHaveLength(1);
  });

  it('ships by itself after a while, many lines at a time', async () => {
    const { logger, batches } = setting();
    for (let i = 0; i < 250; i++) logger.info(`line ${i}`);
    await expect.poll(() => batches.flat().length).toBe(250);
    expect(batches.flat().map(({ message }) => message)).toEqual(
      Array.from({ length: 250 }, (_, i) => `line ${i}`),
    );
    expect(batches).toHaveLength(3);
  });

  it('never ships a secret, nor a line beyond the limit', async () => {
    const { logger, shipper, batches } = setting();
    logger.error('At redis://me:hunter2@host', {
      secretAccessKey: 'hunter2',
      error: new Error('https://u:hunter2@host', { cause: { password: 'hunter2' } }),
    });
    logger.info('x'.repeat(100_000));
    await shipper.close();
    expect(JSON.stringify(batches)).not.toContain('hunter2');
    expect(batches.flat()).toHaveLength(2);
    for (const line of batches.flat())
      expect(JSON.stringify(line).length).toBeLessThan(maxLogLineBytes);
  });

  it('holds a bounded number of lines while nobody takes them, and says how many it dropped', async () => {
    const made = setting({ capacity: 100 });
    made.isAway = true;
    for (let i = 0; i < 1_000; i++) made.logger.info(`line ${i}`);
    await sleep(50);
    for (let i = 1_000; i < 1_050; i++) made.logger.info(`line ${i}`);
    made.isAway = false;
    await made.shipper.close();
    const messages = made.batches.flat().map(({ message }) => message);
    expect(messages[0]).toMatch(/^950 log lines of this process were dropped/);
    expect(messages.slice(1)).toEqual(Array.from({ length: 100 }, (_, i) => `line ${950 + i}`));
  });

  it('gives up at once on close while nobody takes lines', async () => {
    const made = setting();
    made.isAway = true;
    made.logger.info('lost');
    const startMs = performance.now();
    await made.shipper.close(120_000);
    expect(performance.now() - startMs).toBeLessThan(60_000);
  });

  it('takes a flood without growing', async () => {
    const made = setting();
    made.isAway = true;
    const fields = { text: 'y'.repeat(3_000) };
    const before = liveBytes();
    for (let i = 0; i < 15_000; i++) {
      made.logger.info('flood', fields);
      if (i % 500 === 0) await sleep(0);
    }
    // All of them would take 45 MB.
    expect(liveBytes() - before).toBeLessThan(20e6);
    made.isAway = false;
    await made.shipper.close(5_000);
    const shipped = made.batches.flat();
    expect(shipped.length).toBeLessThan(1_200);
    expect(shipped.some(({ message }) => message.includes('were dropped'))).toBe(true);
  });
});
