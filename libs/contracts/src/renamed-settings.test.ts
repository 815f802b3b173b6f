import { describe, expect, it } from 'vitest';
import { parseRunConfig } from './config-parse.ts';
import { renamedFrom, withCurrentNames } from './renamed-settings.ts';
import { examplesJobSchema } from './jobs.ts';
import { noRequests, runRecordSchema } from './run.ts';
import { exampleSettings } from './settings.ts';

const corpus = { path: '/text' };
const old = { name: 'a', corpus, train: { numSteps: 3, wire: 'bf16' } };

describe('a setting that was called otherwise', () => {
  it('is read by its old name', () => {
    expect(parseRunConfig(old, 'test').train).toMatchObject({
      numSteps: 3,
      allReduceDtype: 'bf16',
    });
    expect(withCurrentNames(old)).toEqual({
      config: { name: 'a', corpus, train: { numSteps: 3, allReduceDtype: 'bf16' } },
      renamed: [{ before: 'train.wire', now: 'train.allReduceDtype' }],
    });
    expect(renamedFrom('train.wire')?.now).toBe('train.allReduceDtype');
    expect(renamedFrom('train.allReduceDtype')).toBeUndefined();
  });

  it('may have had other values', () => {
    const masksOf = (examples: object) =>
      parseRunConfig({ name: 'a', corpus, examples }, 'test').examples;
    expect(masksOf({ wholeWordMask: true })).toEqual(masksOf({ masking: 'word' }));
    expect(masksOf({ wholeWordMask: false })).toEqual(masksOf({}));
    expect(() => masksOf({ wholeWordMask: 'yes' })).toThrow(
      'examples.masking: must be one of token, word, span, not "yes"',
    );
    expect(() => masksOf({ wholeWordMask: true, masking: 'span' })).toThrow(
      'unknown key "examples.wholeWordMask"; it is called examples.masking, which is set too',
    );
  });

  it('leaves the names of example sets as they were', () => {
    const of = (examples: object) =>
      exampleSettings(parseRunConfig({ name: 'a', corpus, examples }, 'test').examples);
    expect(of({})).toMatchObject({ wholeWordMask: false });
    expect(of({ masking: 'word' })).toMatchObject({ wholeWordMask: true });
    expect(of({ masking: 'span' })).toMatchObject({ masking: 'span' });
    expect(of({ masking: 'span' })).not.toHaveProperty('wholeWordMask');
  });

  it('may be one of a job that an older coordinator has queued', () => {
    const { masking: _, ...examples } = parseRunConfig({ name: 'a', corpus }, 'test').examples;
    const { examples: section } = examplesJobSchema.shape;
    expect(section.parse({ ...examples, wholeWordMask: true }).masking).toBe('word');
  });

  it('is read in the record of an older run', () => {
    const { config } = runRecordSchema.shape;
    const { allReduceDtype: _, ...train } = parseRunConfig({ name: 'a', corpus }, 'test').train;
    const stored = { ...parseRunConfig({ name: 'a', corpus }, 'test'), train };
    expect(config.parse({ ...stored, train: { ...train, wire: 'bf16' } }).train).toMatchObject({
      allReduceDtype: 'bf16',
    });
  });

  it('may be a request in the record of an older run', () => {
    const { requests } = runRecordSchema.shape;
    const rewind = { toStep: 3, attempt: 1, askedAtMs: 5 };
    const { rewind: _, ...others } = noRequests;
    expect(requests.parse({ ...others, cut: rewind })).toEqual({ ...noRequests, rewind });
    expect(requests.parse({ ...others, cut: null })).toEqual(noRequests);
    expect(requests.parse(undefined)).toEqual(noRequests);
  });

  it('cannot have both names', () => {
    const both = { ...old, train: { ...old.train, allReduceDtype: 'fp32' } };
    expect(() => parseRunConfig(both, 'run.yaml')).toThrow(
      'run.yaml: unknown key "train.wire"; it is called train.allReduceDtype, which is set too',
    );
  });

  it.each([undefined, null, 3, [], { train: null }, { train: ['wire'] }, { wire: 'bf16' }])(
    'leaves alone what is no config: %j',
    (value) => {
      expect(withCurrentNames(value)).toEqual({ config: value, renamed: [] });
    },
  );
});
