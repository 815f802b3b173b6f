import { readManifest } from '@berth/checkpoint';
import { silentLogger, type Logger } from '@berth/contracts';
import { perform } from '@berth/protocol';
import { createLease, openRun } from '@berth/queue';
import { expect, it, onTestFinished } from 'vitest';
import { pastOf } from '../testing/past-of.ts';
import { entriesOf, recordOf, storeCheckpoint } from '../testing/made-up-run.ts';
import { openBackends } from '../testing/services.ts';

it.each([
  ['cut off', (text: string) => text.slice(0, -30)],
  ['gone', () => undefined],
  ['no ledger', () => '{}\n'],
  ['nested too deeply', () => `${'['.repeat(300_000)}\n`],
])(
  'gives an empty Redis the ledger of an older checkpoint when that of the newest is %s',
  async (_, damage) => {
    const backends = await openBackends();
    onTestFinished(() => backends.close());
    const { connection, store } = backends;
    const entries = entriesOf(6, { fencingEpoch: 1, viewVersion: 1 });
    await storeCheckpoint(store, 'r', entries.slice(0, 4));
    const { ledger } = await readManifest(store, await storeCheckpoint(store, 'r', entries));
    const [{ key } = { key: '' }] = ledger;
    const text = damage(Buffer.from(await store.get(key)).toString());
    await (text === undefined ? store.delete(key) : store.put(key, Buffer.from(text)));

    const told: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (_, fields) => void told.push(fields) };
    const lease = createLease(connection, { holderId: 'test', ttlMs: 60_000 });
    const { fencingEpoch } = await lease.acquire(1);
    const history = pastOf({ connection, store, logger }, 'r');
    await perform(history.restore(fencingEpoch, recordOf('r', {}).attempts));
    expect(await openRun(connection, 'r').ledger.numCommitted()).toBe(4);
    expect(told).toMatchObject([
      { step: 6, reason: expect.stringContaining(key) as string },
      { step: 4, numCommitted: 0 },
    ]);
  },
);
