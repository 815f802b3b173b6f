import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BerthError,
  exportSectionSchema,
  silentLogger,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import { readHuggingFaceFolder, readWeights } from '@berth/hugging-face';
import {
  microWeightsAt,
  storeMicroCheckpoint,
  storeMicroDataset,
} from '@berth/hugging-face/testing';
import { endAttempt, newAttempt } from '@berth/protocol';
import { createRuns, type Runs } from '@berth/queue';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { recordOf } from '../testing/made-up-run.ts';
import { openBackends } from '../testing/services.ts';
import { EndExports } from './end-exports.ts';
import { RunRecordArchive } from './run-record-archive.ts';

const runId = 'micro';
const endStep = 5;

/** A run that has just been completed and asks for its model. */
interface Completed {
  readonly to: string;
  readonly store: ObjectStore;
  readonly runs: Runs;
  /** A coordinator that begins to lead. */
  readonly lead: (change?: { store?: ObjectStore; runs?: Runs }) => EndExports;
  /** What it does once a second, and all that comes of it. */
  readonly look: (leader: EndExports) => Promise<RunRecord['exported']>;
}

async function completeRun(): Promise<Completed> {
  const backends = await openBackends();
  onTestFinished(() => backends.close());
  const { store, connection, services } = backends;
  await storeMicroDataset(store);
  await storeMicroCheckpoint(store, endStep);
  const to = join((await temporaryFolder()).path, 'made');
  const attempts = endAttempt([newAttempt(1, 0, 1)], {
    nowMs: 2,
    step: endStep,
    reason: 'trained',
  });
  const { config, ...others } = recordOf(runId, { status: 'completed', attempts });
  const record = { ...others, config: { ...config, export: exportSectionSchema.parse({ to }) } };
  await new RunRecordArchive(store, silentLogger).keep(record);
  const runs = createRuns(connection);
  await runs.create(record);
  const shared = { store, s3: services.s3, logger: silentLogger };
  return {
    to,
    store,
    runs,
    lead: (change = {}) => new EndExports({ ...shared, ...change }, change.runs ?? runs),
    async look(leader) {
      leader.note(await runs.list());
      await leader.close();
      return (await runs.read(runId))?.exported;
    },
  };
}

const never = (): Promise<never> => new Promise(() => undefined);

/** The runs as a coordinator sees them that is killed before it notes a state. */
function killedBefore(
  runs: Runs,
  state: 'writing' | 'done',
): { runs: Runs; killed: Promise<void> } {
  let kill = (): void => undefined;
  const killed = new Promise<void>((resolve) => (kill = resolve));
  const change: Runs['change'] = async (id, decide) => {
    const next = decide((await runs.read(id))!);
    if (next?.exported?.state !== state) return runs.change(id, decide);
    kill();
    return never();
  };
  return { runs: { ...runs, change }, killed };
}

/** A store that is away while it is told so. */
function sometimesAway(store: ObjectStore): { store: ObjectStore; away: { is: boolean } } {
  const away = { is: true };
  const get: ObjectStore['get'] = async (...args) => {
    if (away.is) throw new BerthError('STORE_UNREACHABLE', 'the bucket is away');
    return store.get(...args);
  };
  return { store: { ...store, get }, away };
}

/** A store that is slow to answer. */
function heldUp(real: ObjectStore): {
  store: ObjectStore;
  /** Until it is asked something. */
  begun: Promise<void>;
  goOn(): void;
  fail(): void;
} {
  let [begin, goOn, fail] = [(): void => undefined, (): void => undefined, (): void => undefined];
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const answer = new Promise<void>((resolve, reject) => {
    goOn = resolve;
    fail = () => reject(new BerthError('CHECKPOINT_CORRUPT', 'damaged'));
  });
  const get: ObjectStore['get'] = async (...args) => {
    begin();
    await answer;
    return real.get(...args);
  };
  return { store: { ...real, get }, begun, goOn, fail };
}

function steerClock(): { pass(ms: number): void } {
  let nowMs = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  onTestFinished(() => clock.mockRestore());
  return { pass: (ms) => void (nowMs += ms) };
}

function bytesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).toSorted();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'hex')]));
}

describe('the export at the end of a run', () => {
  it('is made once', async () => {
    const { to, runs, lead, look } = await completeRun();
    const leader = lead();
    const exported = await look(leader);
    expect(exported).toMatchObject({ state: 'done', endStep });
    expect(exported?.text).toContain(`step ${endStep} is in ${to}`);
    expect(await readWeights(await readHuggingFaceFolder(to))).toEqual(microWeightsAt(endStep));
    const change = vi.spyOn(runs, 'change');
    await look(leader);
    await look(lead());
    expect(change).not.toHaveBeenCalled();
  });

  it.each<'writing' | 'done'>(['writing', 'done'])(
    'is made by the next who leads where one is killed before it notes that it is %s',
    async (state) => {
      const { to, runs, lead, look } = await completeRun();
      const { runs: untilThen, killed } = killedBefore(runs, state);
      lead({ runs: untilThen }).note(await runs.list());
      await killed;
      const before = state === 'done' ? bytesOf(to) : {};
      expect((await runs.read(runId))?.exported?.state).toBe(
        state === 'done' ? 'writing' : undefined,
      );
      expect(await look(lead())).toMatchObject({ state: 'done', endStep });
      const after = bytesOf(to);
      expect(Object.keys(after)).toContain('model.safetensors');
      expect(after).toMatchObject(before);
    },
  );

  it('is tried again while the bucket is away, after a pause', async () => {
    const clock = steerClock();
    const { store: real, lead, look } = await completeRun();
    const { store, away } = sometimesAway(real);
    const leader = lead({ store });
    expect(await look(leader)).toMatchObject({ state: 'writing' });
    away.is = false;
    expect(await look(leader)).toMatchObject({ state: 'writing' });
    clock.pass(1_000);
    expect(await look(leader)).toMatchObject({ state: 'done' });
  });

  it('is given up where the bucket stays away, and says why', async () => {
    const clock = steerClock();
    const { store: real, to, runs, lead, look } = await completeRun();
    const leader = lead({ store: sometimesAway(real).store });
    let passedMs = 0;
    while ((await look(leader))?.state !== 'failed') {
      clock.pass(1_000);
      passedMs += 1_000;
      expect(passedMs).toBeLessThan(600_000);
    }
    expect(passedMs).toBe(127_000);
    expect((await runs.read(runId))?.exported?.text).toBe(
      `the model is not in ${to}: the bucket is away`,
    );
  });

  it('is done where a coordinator that led before fails late', async () => {
    const { store: real, runs, lead } = await completeRun();
    const [former, next] = [heldUp(real), heldUp(real)];
    const leaders = [lead({ store: former.store }), lead({ store: next.store })] as const;
    for (const [index, { begun }] of [former, next].entries()) {
      leaders[index]!.note(await runs.list());
      await begun;
    }
    former.fail();
    await leaders[0].close();
    next.goOn();
    await leaders[1].close();
    expect((await runs.read(runId))?.exported).toMatchObject({ state: 'done' });
  });

  it('leaves a folder alone that holds something else', async () => {
    const { to, lead, look } = await completeRun();
    writeFileSync(to, 'mine');
    const leader = lead();
    const exported = await look(leader);
    expect(exported).toMatchObject({ state: 'failed' });
    expect(exported?.text).toContain('is a file');
    expect(await look(leader)).toEqual(exported);
    expect(readFileSync(to, 'utf8')).toBe('mine');
  });
});
