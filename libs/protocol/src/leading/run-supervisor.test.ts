import { silentLogger } from '@berth/contracts';
import { expect, it } from 'vitest';
import { liveMember } from '../testing/live-member.ts';
import { runRecord } from '../testing/run-record.ts';
import { viewOf } from '../testing/puppet.ts';
import type { RunPorts } from './ports.ts';
import { RunSupervisor } from './run-supervisor.ts';
import { perform } from './script.ts';

const record = runRecord('r', { status: 'pausing', attempts: [] });

/** Two members at work on step 12, of a run that is to pause. Counts how often examples are asked for. */
async function suppliesOf(mode: 'train' | 'save'): Promise<number> {
  let numSupplied = 0;
  const live = ['a', 'b'].map((memberId) => ({
    info: liveMember(memberId, { step: 12 }),
    ageMs: 0,
  }));
  const ports = {
    runId: 'r',
    clock: { nowMs: () => 1_000, timeMs: () => 1_000, sleep: async () => undefined },
    ledger: { numCommitted: async () => 12 },
    views: { current: async () => ({ ...viewOf(3, 'a', 'b'), mode }) },
    members: { survey: async () => ({ live, unreadable: [] }) },
    past: {
      newest: async () => undefined,
      listAgain: async () => undefined,
      isSaved: async () => false,
    },
    data: {
      async supply() {
        numSupplied++;
        return 'making examples: 0 of 2 shards';
      },
    },
    logger: silentLogger,
  } as unknown as RunPorts;
  const change = await perform(
    new RunSupervisor(ports).tick(record, { fencingEpoch: 1, serverEpoch: 1, isLenient: false }),
  );
  expect(change?.status).toBeUndefined();
  return numSupplied;
}

it('has examples made for the step that a run finishes before it rests', async () => {
  expect(await suppliesOf('train')).toBe(1);
});

it('has none made for a run that is being saved', async () => {
  expect(await suppliesOf('save')).toBe(0);
});
