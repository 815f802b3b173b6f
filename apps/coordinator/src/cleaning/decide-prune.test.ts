import { noRequests, type RunRecord } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { recordOf } from '../testing/made-up-run.ts';
import { decidePrune, mayStillGo, type PruneState } from './decide-prune.ts';

const id = (digit: string): string => digit.repeat(64);
const manifestOf = (digit: string): string => `datasets/${id(digit)}/manifest.json`;
const hourMs = 3_600_000;
const nowMs = 1_000 * hourMs;

function state(
  keys: readonly string[],
  change: Partial<PruneState> = {},
  ageMs = 48 * hourMs,
): PruneState {
  return {
    objects: keys.map((key) => ({ key, sizeBytes: 10, lastModifiedMs: nowMs - ageMs })),
    records: [],
    unreadable: [],
    checkpointDatasets: new Set(),
    checkpointSets: new Set(),
    foreign: new Set(),
    labelledSets: new Map(),
    nowMs,
    minAgeMs: 24 * hourMs,
    ...change,
  };
}

const goes = (given: PruneState): string[] =>
  decidePrune(given).groups.map(({ kind, name }) => `${kind} ${name.slice(0, 2)}`);

const trained = (change: Partial<RunRecord> = {}): RunRecord =>
  recordOf('run', { status: 'completed', manifestKey: manifestOf('a'), ...change });

const everything = [
  `plans/${id('1')}/plan.json`,
  `plans/${id('1')}/survey-00000.json`,
  `preparations/${id('2')}.json`,
  `vocabularies/made-${id('3')}.txt`,
  manifestOf('a'),
  `datasets/${id('a')}/train-00000.bdoc`,
  `datasets/${id('a')}/runs/run-00000-00000.brun`,
  `datasets/${id('b')}/recipe.json`,
  `datasets/${id('b')}/runs/run-00000-00000.brun`,
  manifestOf('c'),
  `datasets/${id('c')}/train-00000.bdoc`,
  `examples/${id('d')}/train-e0-s0.bex`,
];

describe('what of the bucket nobody needs', () => {
  it('is all that no run names, and never what is none of ours', () => {
    const others = [
      `runs/run/attempts/1/checkpoints/step-000000001/000000000000001.manifest.json`,
      `run-records/run.json`,
      `models/${id('e')}/manifest.json`,
      'datasets/my-own/manifest.json',
      'datasets/notes.txt',
      'vocabularies/mine.txt',
    ];
    expect(goes(state([...everything, ...others], { records: [trained()] }))).toEqual([
      'datasets cc',
      'examples dd',
      'unfinished bb',
      'leftovers aa',
      'plans 11',
      'preparations 22',
      'vocabularies ma',
    ]);
    const [first] = decidePrune(state(everything, { records: [trained()] })).groups;
    expect(first?.objects[0]?.key).toBe(manifestOf('c'));
  });

  it.each<[string, Partial<PruneState>]>([
    ['a run has', { records: [trained({ manifestKey: manifestOf('c') })] }],
    [
      'a run had before it forgot documents, and has since',
      {
        records: [
          trained({
            forgotten: [
              {
                atMs: 1,
                numDocuments: 1,
                firstUse: null,
                wentBackTo: null,
                before: manifestOf('c'),
                exampleSetIdsBefore: [id('d')],
                manifestKey: manifestOf('a'),
              },
            ],
          }),
        ],
      },
    ],
    ['a checkpoint names', { checkpointDatasets: new Set([id('c')]) }],
    ['another program has put there', { foreign: new Set([id('c')]) }],
  ])('is no dataset that %s', (_case, change) => {
    expect(goes(state(everything, change))).not.toContain('datasets cc');
  });

  it('is no example that a run or a checkpoint names, nor of labelled data that stays', () => {
    for (const change of [
      { records: [trained({ exampleSetId: id('d') })] },
      { records: [trained({ exampleSetId: id('e'), phaseSetIds: [id('e'), id('d')] })] },
      { checkpointSets: new Set([id('d')]) },
      { labelledSets: new Map([[id('a'), id('d')]]), records: [trained()] },
    ])
      expect(goes(state(everything, change))).not.toContain('examples dd');
    expect(goes(state(everything, { labelledSets: new Map([[id('c'), id('d')]]) }))).toContain(
      'examples dd',
    );
  });

  it('is nothing while a run makes its data, or a record cannot be read', () => {
    const submission = { config: trained().config, askedAtMs: 1, isTrained: true };
    for (const change of [
      { records: [recordOf('run', { status: 'preparing', manifestKey: null })] },
      { records: [trained({ status: 'preparing', requests: { ...noRequests, submission } })] },
      { unreadable: ['run'] },
    ])
      expect(decidePrune(state(everything, change))).toEqual({ groups: [], waitsFor: ['run'] });
    const waiting = [recordOf('run', { status: 'queued', manifestKey: null })];
    expect(goes(state(everything, { records: waiting }))).toContain('plans 11');
  });

  it('is nothing of which a part was written lately', () => {
    expect(goes(state(everything, {}, hourMs))).toEqual([]);
    const plan = `plans/${id('1')}/dataset.json`;
    const young = state([plan], {}, hourMs).objects;
    const both = state(everything, {});
    expect(goes({ ...both, objects: [...both.objects, ...young] })).not.toContain('plans 11');
  });

  it('is looked at again before each is deleted', () => {
    const group = decidePrune(state(everything)).groups.find(({ kind }) => kind === 'datasets')!;
    const none = { records: [], unreadable: [] };
    expect(mayStillGo(group, none)).toBe(true);
    const named = [trained({ manifestKey: `datasets/${group.name}/manifest.json` })];
    expect(mayStillGo(group, { ...none, records: named })).toBe(false);
    const making = [recordOf('new', { status: 'preparing', manifestKey: null })];
    expect(mayStillGo(group, { ...none, records: making })).toBe(false);
  });
});
