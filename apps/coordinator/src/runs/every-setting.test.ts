import { readFileSync } from 'node:fs';
import {
  BerthError,
  parseRunConfig,
  resolveModelConfig,
  runConfigJsonSchema,
  settings,
  withPlannedSteps,
  withSettings,
  withStoredModel,
  type RunConfig,
  type RunRecord,
  type Setting,
} from '@berth/contracts';
import { newAttempt } from '@berth/protocol';
import { describe, expect, it } from 'vitest';
import { forkedConfig } from './decide-fork.ts';
import { decideSubmission, newRecord } from './decide-submission.ts';

/** Steps that the run has done: before its decay begins at 90, and after. */
const [early, late] = [45, 95];
const decaying = { schedule: 'wsd', numDecaySteps: 10 };
const parts = [
  { name: 'one', path: '/one.txt' },
  { name: 'two', path: '/two.txt' },
];
const init = { from: 'bert', sha256: 'a'.repeat(64) };

interface Case {
  /** Another value; of numbers, switches and choices one is found. */
  readonly to?: unknown;
  /** What a run has that can have the key at all. */
  readonly given?: Readonly<Record<string, unknown>>;
  /** What it is in the config of a run whose data is known. */
  readonly becomes?: Readonly<Record<string, unknown>>;
  /** What has to change with it. */
  readonly besides?: Readonly<Record<string, unknown>>;
}

/** Of a run that is fine-tuned, 50 steps an epoch. */
function fineTuned(section: object = {}): Pick<Case, 'given'> {
  const task = { kind: 'classify', train: '/a.csv', ...section };
  return { given: { corpus: null, 'vocabulary.path': '/v.txt', task } };
}
const numTrainExamples = 50 * 32;

const cases: Readonly<Record<string, Case>> = {
  name: { to: 'other' },
  'corpus.path': { to: '/b.txt' },
  'corpus.parts': { to: parts, besides: { 'corpus.path': null } },
  'corpus.dataset': {
    to: '/other',
    given: { 'corpus.path': null, 'corpus.dataset': '/ready' },
  },
  'corpus.encoding': { to: 'utf-8' },
  'corpus.nearDuplicates': { to: 0.9 },
  'corpus.textField': { to: 'body' },
  'corpus.idField': { to: 'key' },
  'vocabulary.path': { to: '/w.txt', given: { 'vocabulary.path': '/v.txt' } },
  'vocabulary.extend': { to: 9, given: { 'vocabulary.path': '/v.txt' } },
  'examples.dupeFactor': { to: 3, given: { 'examples.mode': 'google' } },
  'examples.packAcrossDocuments': { to: false, given: { 'examples.nextSentence': false } },
  'examples.sequencesPerRow': { to: 8, given: { 'examples.nextSentence': false } },
  'examples.corpusWeights': {
    to: { one: 1, two: 2 },
    given: { 'corpus.path': null, 'corpus.parts': parts },
  },
  'model.hiddenSize': { to: 384 },
  'model.numLayers': { to: 3 },
  'model.numHeads': { to: 6 },
  'model.intermediateSize': { to: 64 },
  'init.from': { to: 'other', given: { init } },
  'init.sha256': { to: 'b'.repeat(64), given: { init } },
  'init.newHead': { to: true, given: { init } },
  'init.extendPositions': { given: { init } },
  'task.kind': { to: 'regress', ...fineTuned({ kind: 'tag' }) },
  'task.train': { to: '/b.csv', ...fineTuned() },
  'task.eval': { to: '/e.csv', ...fineTuned({ eval: '/d.csv' }) },
  'task.heldOutRatio': fineTuned({ heldOutRatio: 0.1 }),
  'task.columns': { to: { text: 'body' }, ...fineTuned() },
  'task.labels': { to: ['b', 'a'], ...fineTuned({ labels: ['a', 'b'] }) },
  'task.labelSeparator': { to: ';', ...fineTuned({ kind: 'classify-many' }) },
  'task.classWeights': { to: 'balanced', ...fineTuned() },
  'task.docStride': fineTuned({ kind: 'answer', docStride: 64 }),
  'task.maxQueryLength': fineTuned({ kind: 'answer', maxQueryLength: 32 }),
  'task.maxAnswerLength': fineTuned({ kind: 'answer', maxAnswerLength: 32 }),
  'task.numBest': fineTuned({ kind: 'answer', numBest: 9 }),
  'task.metric': { to: 'classify_f1_macro', ...fineTuned() },
  'optimizer.warmupRatio': {
    ...fineTuned(),
    to: 0.05,
    besides: { 'optimizer.numWarmupSteps': null },
    becomes: { 'optimizer.numWarmupSteps': 5 },
  },
  'train.numEpochs': {
    ...fineTuned(),
    to: 4,
    besides: { 'train.numSteps': null },
    becomes: { 'train.numSteps': 200 },
  },
  'optimizer.schedule': { to: 'constant', besides: { 'optimizer.numDecaySteps': null } },
  'optimizer.decayShape': { to: '1-sqrt' },
  'train.microBatch': { to: 4 },
  phases: { to: [{ numSteps: 60 }, { numSteps: 40, maxSeqLength: 256 }] },
  'export.to': { to: '/there', given: { export: { to: '/here' } } },
  'export.for': { given: { export: { to: '/here' } } },
};

/** Of the settings that reach weights by the rates alone: whether a run before its decay may have them otherwise. */
const mayChangeEarly: Readonly<Record<string, boolean>> = {
  'optimizer.learningRate': false,
  'optimizer.numWarmupSteps': false,
  'optimizer.schedule': true,
  'optimizer.numDecaySteps': true,
  'optimizer.decayShape': true,
  'train.numSteps': true,
  'train.numEpochs': true,
  'optimizer.warmupRatio': false,
};

interface Row {
  readonly decides: string;
  readonly takes: string;
}

/** What the published table says of each key. */
const table: ReadonlyMap<string, Row> = new Map(
  readFileSync(new URL('../../../../docs/config.md', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$|`/g, '').trim()))
    .filter((cells) => cells.length === 6 && cells[0] !== 'key' && !cells[0]?.startsWith('-'))
    .map(([key = '', , , , decides = '', takes = '']) => [key, { decides, takes }]),
);

interface Change {
  readonly before: RunConfig;
  readonly after: RunConfig;
  readonly values: Readonly<Record<string, unknown>>;
  /** As a fork of a run whose data is known is asked for it. */
  readonly asked: Readonly<Record<string, unknown>>;
}

function changeOf({ path }: Setting): Change {
  const { to, given = {}, besides = {}, becomes } = cases[path] ?? {};
  const written = {
    name: 'run',
    corpus: { path: '/a.txt' },
    train: { numSteps: 100 },
    optimizer: decaying,
  };
  const before = parseRunConfig(withSettings(written, given), 'before');
  const values = { ...besides, [path]: to ?? otherValue(before, path) };
  const after = parseRunConfig(withSettings(before, values), 'after');
  return { before, after, values, asked: becomes ?? values };
}

/** Another value of a number, a switch or a choice, by the published schema. */
function otherValue(config: RunConfig, path: string): unknown {
  const keys = path.split('.');
  const now = keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], config);
  if (typeof now === 'boolean') return !now;
  if (typeof now === 'number') return Number.isInteger(now) ? 2 * now || 1 : now / 2;
  const node = keys.reduce<Record<string, unknown>>(
    (schema, key) => (schema['properties'] as Record<string, Record<string, unknown>>)[key]!,
    runConfigJsonSchema(),
  );
  const other = (node['enum'] as readonly unknown[] | undefined)?.find((value) => value !== now);
  if (other === undefined) throw new Error(`name another value of ${path} in this test`);
  return other;
}

function restingAt(config: RunConfig, step: number): RunRecord {
  const attempt = { ...newAttempt(1, 0, 1), endedAtMs: 2, toStep: step, endReason: 'stopped' };
  const record = newRecord({ config, goal: 'trained' }, 1);
  const rest = { status: 'stopped' as const, attempts: [attempt], manifestKey: 'm' };
  const resting = { ...record, ...rest };
  if (config.task === undefined) return resting;
  const fineTuning = { kind: 'regress' } as const;
  return { ...resting, labelledData: { fineTuning, numTrainExamples, numHeldOutExamples: 9 } };
}

/** What the same command says with the other value; `goes on` when it does. */
function submitted({ before, after }: Change, numCommitted: number): string {
  const state = { numCommitted, checkpointSteps: [40], unsavedMs: 0 };
  const snapshot = { ...state, isStored: true, isAttended: true };
  const submission = { config: after, goal: 'trained' as const };
  return sayingOf(() => decideSubmission(9, restingAt(before, numCommitted), snapshot, submission));
}

function forked({ before }: Change, values: Readonly<Record<string, unknown>>): string {
  return sayingOf(() =>
    forkedConfig(restingAt(before, 40), { name: 'fork', settings: values }, 40),
  );
}

/** What a run of another name says that begins with the weights of this one. */
function begunWith({ before, after }: Change): string {
  const { model: section, vocabulary } = before;
  const stored = {
    modelId: 'a'.repeat(64),
    model: resolveModelConfig(section, vocabulary.size),
    doLowerCase: vocabulary.doLowerCase,
    vocabulary: { numTokens: vocabulary.size },
  };
  const begun = {
    ...withPlannedSteps(after, numTrainExamples),
    name: 'other',
    init: { from: 'run', extendPositions: true },
  };
  return sayingOf(() => parseRunConfig(withStoredModel(begun, stored, 'init'), 'init'));
}

function sayingOf(decide: () => unknown): string {
  try {
    decide();
    return 'goes on';
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

/** What an answer comes to, in the words of the table; what the error says to type is typed. */
function inWords(said: string, change: Change): string {
  const setting = /berth fork run --from STEP --set '?([\w.]+)=(.*?)'?\)?$/.exec(said);
  if (setting !== null) {
    const [, path = '', value = ''] = setting;
    // What has to change with it is what the next error says.
    const then = forked(change, { ...change.asked, [path]: JSON.parse(value) as unknown });
    return then === 'goes on' && path in change.asked ? 'a fork' : `${said}: ${then}`;
  }
  if (said.endsWith('(init: { from: run })')) return 'its weights';
  return said.includes('what it has trained cannot be used') ? 'a new run' : said;
}

/** What is to be answered before the decay, in it, and to a fork. */
function expected({ path, decides }: Setting, takes: string): readonly string[] {
  // Whether a path has the same bytes is found out by whoever reads it, of a run that goes on as of a fork.
  const isRead = decides === 'content';
  switch (takes) {
    case 'goes on, or a fork':
      return [mayChangeEarly[path] === true ? 'goes on' : 'a fork', 'a fork', 'goes on'];
    case 'a fork':
      return ['a fork', 'a fork', 'goes on'];
    case 'its weights':
      return isRead ? ['goes on', 'goes on', 'goes on'] : [takes, takes, takes];
    case 'a new run':
      return isRead ? ['goes on', 'goes on', takes] : [takes, takes, takes];
    default:
      return ['goes on', 'goes on', 'goes on'];
  }
}

const takesOf = ({ path }: Setting): string => table.get(path)?.takes ?? 'not told of';
// Another name is another run, of which nothing is asked of this one.
const asked = settings.filter(({ path }) => path !== 'name');

describe('another value of a setting, of a run that has trained', () => {
  it('is told of in the published table, and of nothing else', () => {
    const keys = settings.map(({ path }) => path);
    expect([...table.keys()].sort()).toEqual([...keys].sort());
    expect(Object.keys(cases).filter((path) => !keys.includes(path))).toEqual([]);
    const rates = settings.filter(({ decides }) => decides === 'rate').map(({ path }) => path);
    expect(Object.keys(mayChangeEarly).sort()).toEqual(rates.sort());
  });

  it.each(asked)('does what the table and the error say: $path', (setting) => {
    const change = changeOf(setting);
    const answers = [
      submitted(change, early),
      submitted(change, late),
      forked(change, change.values),
    ];
    const words = answers.map((said) => inWords(said, change));
    expect(words).toEqual(expected(setting, takesOf(setting)));
    const isData = /^(data|examples)/.test(table.get(setting.path)?.decides ?? '');
    const code = isData ? 'DATA_MISMATCH' : 'CHECKPOINT_MISMATCH';
    const codes = answers.slice(0, 2).filter((said) => said !== 'goes on');
    expect(codes.filter((said) => !said.startsWith(`${code} Run "run" was made with `))).toEqual(
      [],
    );
  });

  it.each(asked.filter((setting) => takesOf(setting) !== 'a new run'))(
    'is one with which a run can begin that has its weights: $path',
    (setting) => {
      expect(begunWith(changeOf(setting))).toBe('goes on');
    },
  );
});
