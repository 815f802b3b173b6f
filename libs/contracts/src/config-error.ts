import type { z } from 'zod';
import { BerthError } from './errors.ts';
import { renamedFrom } from './renamed-settings.ts';
import { runFileJsonSchema } from './run-config.ts';
import { nearest } from './suggest.ts';

type Path = readonly PropertyKey[];

/** Where the setting at a path came from, for messages: a run file, or an option of the command line. */
export type SourceOf = (path: Path) => string;

let inputSchema: Record<string, unknown> | undefined;

/** What is wrong with a run config: the first thing, in words, where it stands, and how to put it right. */
export function configError(error: z.ZodError, input: unknown, sourceOf: SourceOf): BerthError {
  const issue = firstIssue(error);
  if (issue === undefined) return new BerthError('CONFIG_INVALID', 'not a run config');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = keysOf(schemaAt(issue.path));
    const near = nearest(key, known);
    const full = [...issue.path, key];
    const renamed = renamedFrom(full.join('.'));
    const hint =
      renamed !== undefined
        ? `it is called ${renamed.now}, which is set too`
        : near === undefined
          ? `known keys: ${known.join(', ')}`
          : `did you mean "${near}"?`;
    const where = shownText(full.join('.'));
    return new BerthError('CONFIG_UNKNOWN_KEY', `${sourceOf(full)}: unknown key ${where}; ${hint}`);
  }
  const where = issue.path.join('.') || 'config';
  const value = valueAt(input, issue.path);
  const problem =
    value === undefined ? missing(issue.path, where) : `${where}: ${whatIsWrong(issue, value)}`;
  return new BerthError('CONFIG_INVALID', `${sourceOf(issue.path)}: ${problem}`);
}

/** Of several limits that a number breaks, the one that is nearest to what is allowed. */
function firstIssue({ issues }: z.ZodError): z.core.$ZodIssue | undefined {
  const [first] = issues;
  if (first?.code !== 'too_big') return first;
  const where = first.path.join('.');
  return issues
    .filter((issue) => issue.code === 'too_big' && issue.path.join('.') === where)
    .reduce((least, issue) => (limitOf(issue) < limitOf(least) ? issue : least));
}

function limitOf(issue: z.core.$ZodIssue): number {
  if (issue.code !== 'too_big') return Infinity;
  return Number(issue.maximum) - (issue.inclusive === false ? Number.EPSILON : 0);
}

function missing(path: Path, where: string): string {
  const about = schemaAt(path);
  const description =
    typeof about === 'object' && about !== null && 'description' in about
      ? ` (${String(about.description)})`
      : '';
  return `${where} is missing${description}`;
}

const kinds: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  object: 'a section with keys of its own',
  array: 'a list',
};

function whatIsWrong(issue: z.core.$ZodIssue, value: unknown): string {
  const given = shown(value);
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}, not ${given}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = typeof value === 'string' ? nearest(value, values) : undefined;
      const hint = near === undefined ? '' : `; did you mean "${near}"?`;
      return `must be one of ${values.join(', ')}, not ${given}${hint}`;
    }
    case 'too_big':
      if (typeof value !== 'number') return `must have at most ${issue.maximum} characters`;
      return `must be ${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}, not ${given}`;
    case 'too_small':
      if (typeof value !== 'number') return 'must not be empty';
      return `must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}, not ${given}`;
    default:
      return `${given}: ${issue.message}`;
  }
}

const longestShownLength = 64;

function shown(value: unknown): string {
  if (value === null) return 'empty';
  if (typeof value === 'string') return shownText(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'a section';
}

/** Text within quotes, short, and without characters that a terminal would obey. */
function shownText(text: string): string {
  const isLong = text.length > longestShownLength;
  return JSON.stringify(isLong ? `${text.slice(0, longestShownLength)}…` : text).replaceAll(
    /[\u007f-\u009f]/g,
    '?',
  );
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function schemaAt(path: Path): unknown {
  inputSchema ??= runFileJsonSchema();
  let node: unknown = inputSchema;
  for (const part of path)
    node = typeof part === 'number' ? itemsOf(node) : propertiesOf(node)[String(part)];
  return node;
}

function keysOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { propertyNames } = node as { readonly propertyNames?: { readonly enum?: string[] } };
  return propertyNames?.enum ?? Object.keys(propertiesOf(node));
}

function itemsOf(list: unknown): unknown {
  return typeof list === 'object' && list !== null && 'items' in list ? list.items : undefined;
}

function propertiesOf(node: unknown): Record<string, unknown> {
  if (typeof node !== 'object' || node === null || !('properties' in node)) return {};
  return node.properties as Record<string, unknown>;
}
