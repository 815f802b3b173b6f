import { expect, it } from 'vitest';
import { ledgerOf } from '@berth/protocol/testing';
import { addEngines, type EngineSpan } from './engine-spans.ts';

it('puts steps of the same engines together, also from page to page', () => {
  const entries = ledgerOf(6).map((entry, step) => ({
    ...entry,
    ...(step === 3 && { engines: ['kubernetes', 'slurm'] }),
    ...((step === 1 || step === 2) && { engines: ['slurm'] }),
  }));
  const spans: EngineSpan[] = [];
  addEngines(spans, entries.slice(0, 2));
  addEngines(spans, entries.slice(2));
  expect(spans).toEqual([
    { fromStep: 0, toStep: 1, engines: ['process'] },
    { fromStep: 1, toStep: 3, engines: ['slurm'] },
    { fromStep: 3, toStep: 4, engines: ['kubernetes', 'slurm'] },
    { fromStep: 4, toStep: 6, engines: ['process'] },
  ]);
});
