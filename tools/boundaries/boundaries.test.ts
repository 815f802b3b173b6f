import { describe, expect, it } from 'vitest';
import { importsOf, isTestFile } from './read-projects.mjs';
import { linesWithObjectives } from './objectives.mjs';
import { checkBoundaries, packageOf } from './rules.mjs';

type Project = Parameters<typeof checkBoundaries>[0][number];
type SourceFile = Project['files'][number];

const file = (fields: Partial<SourceFile> = {}): SourceFile => ({
  path: 'libs/x/src/a.ts',
  numLines: 100,
  isTest: false,
  imports: [],
  objectives: [],
  ...fields,
});

const project = (name: string, layer: string, fields: Partial<Project> = {}): Project => ({
  name,
  layer,
  dependencies: [],
  devDependencies: [],
  references: [],
  files: [],
  ...fields,
});

const contracts = project('@berth/contracts', 'layer:0', { dependencies: ['zod'] });
const testing = project('@berth/testing', 'layer:test');
const errorsOf = (...projects: Project[]): string[] => checkBoundaries(projects).errors;

describe('checkBoundaries', () => {
  it('accepts dependencies that point down', () => {
    const uses = { dependencies: [contracts.name], references: [contracts.name] };
    const data = project('@berth/data', 'layer:1', uses);
    expect(errorsOf(contracts, data)).toEqual([]);
  });

  it('refuses a dependency sideways or up', () => {
    const data = project('@berth/data', 'layer:1');
    const uses = { dependencies: [data.name], references: [data.name] };
    expect(errorsOf(data, project('@berth/model', 'layer:1', uses))).toEqual([
      '@berth/model (layer:1) may not depend on @berth/data (layer:1)',
    ]);
    expect(errorsOf(data, { ...contracts, ...uses })).toHaveLength(1);
  });

  it('lets tests use test helpers, and only tests', () => {
    const dev = { devDependencies: [testing.name], references: [testing.name] };
    const model = project('@berth/model', 'layer:1', dev);
    expect(errorsOf(testing, model)).toEqual([]);
    const inTest = file({ isTest: true, imports: [testing.name, 'vitest'] });
    expect(errorsOf(testing, { ...model, files: [inTest] })).toEqual([]);
    const shipped = file({ imports: [testing.name] });
    expect(errorsOf(testing, { ...model, files: [shipped] })).toHaveLength(1);
  });

  it('refuses an import that package.json does not declare', () => {
    const files = [file({ imports: ['node:fs', './b.ts', 'left-pad/sub'] })];
    expect(errorsOf(project('@berth/data', 'layer:1', { files }))).toEqual([
      'libs/x/src/a.ts imports left-pad, which package.json of @berth/data does not allow there',
    ]);
  });

  it('gives every npm package one owner', () => {
    expect(errorsOf(project('@berth/data', 'layer:1', { dependencies: ['ioredis'] }))).toEqual([
      '@berth/data depends on ioredis, which only @berth/queue may use',
    ]);
    expect(errorsOf(project('@berth/data', 'layer:1', { dependencies: ['left-pad'] }))).toEqual([
      '@berth/data depends on left-pad, which has no owner in tools/boundaries/rules.mjs',
    ]);
  });

  it('wants the references of tsconfig.json to be the dependencies', () => {
    const missing = project('@berth/data', 'layer:1', { dependencies: [contracts.name] });
    expect(errorsOf(contracts, missing)).toHaveLength(1);
    const spare = project('@berth/data', 'layer:1', { references: [contracts.name] });
    expect(errorsOf(contracts, spare)).toHaveLength(1);
  });

  it('warns of long files and refuses very long ones', () => {
    const sources = [300, 301, 400, 401].map((numLines) => file({ path: 'a.ts', numLines }));
    const tests = [301, 500, 501].map((numLines) =>
      file({ path: 'a.test.ts', numLines, isTest: true }),
    );
    const files = [...sources, ...tests];
    const { errors, warnings } = checkBoundaries([project('@berth/data', 'layer:1', { files })]);
    expect(errors).toEqual([
      'a.ts has 401 lines; split it below 300',
      'a.test.ts has 501 lines; split it below 300',
    ]);
    expect(warnings).toHaveLength(4);
  });
});

describe('reading sources', () => {
  it('finds imports over several lines, for types, for side effects and in calls', () => {
    const text = [
      "import a from 'one';",
      "import {\n  b,\n} from 'two/sub';",
      "import type { C } from '@scope/three';",
      "export * from './four.ts';",
      "import 'five';",
      "const six = await import('six');",
      "const seven = require('seven');",
    ].join('\n');
    const expected = ['one', 'two/sub', '@scope/three', './four.ts', 'five', 'six', 'seven'];
    expect(importsOf(text)).toEqual(expected);
  });

  it.each([
    ['src/a.test.ts', true],
    ['src/testing/mesh.ts', true],
    ['src/simulator/world.ts', true],
    ['test/threads.mjs', true],
    ['src/contest.ts', false],
    ['src/latest/a.ts', false],
  ])('tells tests from sources: %s', (path, expected) => {
    expect(isTestFile(path)).toBe(expected);
  });

  it('names the package of an import', () => {
    expect(packageOf('@scope/name/deep')).toBe('@scope/name');
    expect(packageOf('name/deep')).toBe('name');
    expect(packageOf('node:fs')).toBeUndefined();
    expect(packageOf('../a.ts')).toBeUndefined();
  });
});

describe('objectives', () => {
  it.each([
    "metrics['masked_lm_loss']",
    'const maskedLmScale = 1;',
    '/** The masked LM head. */',
    'besides(`mlm ${loss}`)',
    'evalNsp(batch)',
    'nextSentenceLabels: labels,',
    "weights.matrix('cls/seq_relationship/output_weights')",
  ])('are found in %s', (line) => {
    expect(linesWithObjectives('libs/x/src/a.ts', `\n${line}\n`)).toEqual([2]);
  });

  it('are not found in other words, in tasks, nor in what measures pre-training', () => {
    const words = 'transport, transposed, unspecified, the next line, a masked array, next token';
    expect(linesWithObjectives('libs/x/src/a.ts', words)).toEqual([]);
    for (const path of ['libs/x/src/tasks/pretraining/a.ts', 'bench/step.ts'])
      expect(linesWithObjectives(path, 'masked LM')).toEqual([]);
  });

  it('are an error outside tests', () => {
    const objectives = [7];
    const files = [file({ objectives }), file({ objectives, isTest: true })];
    expect(errorsOf(project('@berth/x', 'layer:0', { files }))).toEqual([
      "libs/x/src/a.ts:7 names an objective; take it from the run's task",
    ]);
  });
});
