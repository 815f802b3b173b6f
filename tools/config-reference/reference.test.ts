import { readdirSync, readFileSync } from 'node:fs';
import { runConfigJsonSchema, runFileJsonSchema, settings } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { referencePage, schemaFile } from './reference.mjs';

const root = new URL('../../', import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), 'utf8');

describe('what is published about run files', () => {
  it('is up to date; npm run reference makes it so', () => {
    const schema = runConfigJsonSchema();
    expect(textOf('configs/run.schema.json')).toBe(schemaFile(runFileJsonSchema()));
    expect(textOf('docs/config.md')).toBe(
      referencePage(schema, new Map(settings.map(({ path, change }) => [path, change]))),
    );
  });

  it('is named by every config that is shipped', () => {
    const configs = readdirSync(new URL('configs', root)).filter((name) => name.endsWith('.yaml'));
    expect(configs.length).toBeGreaterThan(1);
    const line = '# yaml-language-server: $schema=run.schema.json';
    const unnamed = configs.filter((name) => !textOf(`configs/${name}`).startsWith(`${line}\n`));
    expect(unnamed).toEqual([]);
  });
});

it('tells of each key what it takes, by default and at all', () => {
  const page = referencePage(
    {
      properties: {
        name: { type: 'string', pattern: '^a|b$', description: 'A name', decides: 'nothing' },
        part: {
          description: 'A part',
          required: ['count'],
          properties: {
            count: { type: 'integer', exclusiveMinimum: 0, maximum: 5_000, decides: 'weights' },
            ratio: { type: 'number', minimum: 0, exclusiveMaximum: 1, default: 0.5 },
            kind: { type: 'string', enum: ['x', 'y'], default: 'x', decides: 'content' },
          },
        },
      },
      required: ['name', 'part'],
    },
    new Map([
      ['name', 'resume'],
      ['part.count', 'fork'],
    ]),
  );
  const rows = page.split('\n').map((line) => line.replaceAll(/ +/g, ' '));
  expect(rows).toContain(
    '| `name` | must be given | `^a\\|b$` | A name | nothing of these | goes on |',
  );
  expect(rows).toContain(
    '| `part.count` | must be given | whole number above 0 to 5,000 | | weights | a fork |',
  );
  expect(rows).toContain('| `part.ratio` | `0.5` | number from 0 below 1 | | | |');
  expect(rows).toContain(
    '| `part.kind` | `x` | x, y | | data (by the bytes there, not by the path) | |',
  );
  expect(rows).toContain('## part');
});
