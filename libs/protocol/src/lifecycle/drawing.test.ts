import { readFileSync } from 'node:fs';
import {
  controls,
  isFinal,
  parseRunConfig,
  runStatuses,
  type RunRecord,
  type RunStatus,
} from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { newAttempt } from './attempts.ts';
import { decideControl } from './decide-control.ts';
import { goBack } from './go-back.ts';
import { runRecord } from '../testing/run-record.ts';
import { simulate } from '../simulator/simulate.ts';

const page = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8');
const [, drawing = ''] = /```mermaid\n(stateDiagram-v2\n.*?)```/s.exec(page) ?? [];

/** What is drawn as one box. */
const [, inside = ''] = /as training \{(.*?)\}/s.exec(drawing) ?? [];
const training = [...new Set(inside.match(/\w+(?= -->)/g))];

interface Arrow {
  readonly from: string;
  readonly to: string;
  /** A control, or in brackets what it comes to by itself. */
  readonly label: string;
}

const arrows = [...drawing.matchAll(/(\S+) --> (\w+): (.+)/g)].flatMap(
  ([, from = '', to = '', labels = '']): Arrow[] => {
    const froms = from === 'training' ? training : [from];
    const all = labels.startsWith('(') ? [labels] : labels.split(', ');
    return froms.flatMap((one) =>
      one === to ? [] : all.map((label) => ({ from: one, to, label })),
    );
  },
);

const textOf = ({ from, to, label }: Arrow): string => `${from} --> ${to}: ${label}`;
const wayOf = ({ from, to }: Arrow): string => `${from} --> ${to}`;
const isControl = ({ label }: Arrow): boolean => !label.startsWith('(');

const config = parseRunConfig(
  { name: 'run', corpus: { path: 'c' }, train: { numSteps: 100 } },
  'test',
);

function recordOf(status: RunStatus): RunRecord {
  const attempt = newAttempt(1, 0, 1);
  const toStep = status === 'completed' ? 100 : 45;
  return runRecord('run', {
    config,
    status,
    attempts: [isFinal(status) ? { ...attempt, endedAtMs: 2, toStep, endReason: '' } : attempt],
  });
}

describe('the drawing of a run in docs/protocol.md', () => {
  it('has every status', () => {
    const drawn = new Set(arrows.flatMap(({ from, to }) => [from, to]));
    drawn.delete('[*]');
    expect([...drawn].sort()).toEqual([...runStatuses].sort());
  });

  it('has the arrows of the controls, and no others', () => {
    const snapshot = { numCommitted: 45, checkpointSteps: [20, 40], unsavedMs: 0 };
    const allowed = runStatuses.flatMap((from) =>
      controls.flatMap((label) =>
        [{}, { fromStep: 20 }].flatMap((request): Arrow[] => {
          const decision = decideControl(5, recordOf(from), snapshot, label, request);
          const to = decision.kind === 'change' ? (decision.change.status ?? from) : from;
          return to === from ? [] : [{ from, to, label }];
        }),
      ),
    );
    const drawn = arrows.filter(isControl).map(textOf);
    expect(drawn.sort()).toEqual([...new Set(allowed.map(textOf))].sort());
  });

  it('has the arrows of going back', () => {
    const going = { nowMs: 5, numCommitted: 45, toStep: 40, reason: '' };
    const ways = ([...training, 'pausing', 'stopping'] as RunStatus[]).flatMap((from) => {
      const { status: to } = goBack(recordOf(from), going);
      return to === undefined || to === from ? [] : [`${from} --> ${to}`];
    });
    const drawn = arrows.filter((arrow) => !isControl(arrow));
    expect(drawn.map(wayOf)).toEqual(expect.arrayContaining(ways));
  });

  it('has the ways that simulated runs go', () => {
    const seeds = Array.from({ length: 15 }, (_, seed) => seed);
    const ways = new Set(seeds.flatMap((seed) => simulate(seed).statusChanges));
    expect(ways.size).toBeGreaterThan(10);
    expect(arrows.map(wayOf)).toEqual(expect.arrayContaining([...ways]));
  });

  it('leaves what rests only by a control, and everything else also without', () => {
    for (const status of runStatuses) {
      const alone = arrows.filter((arrow) => arrow.from === status && !isControl(arrow));
      expect([status, alone.length > 0]).toEqual([status, !isFinal(status)]);
    }
  });
});
