import { expandBraces } from './braces.ts';

/** A path cut where its wildcards begin. */
export interface Glob {
  /** The folder to look in. */
  readonly base: string;
  /** Whether a path below `base`, written with "/", matches. */
  readonly matches: (name: string) => boolean;
  /** Whether anything below a subfolder can match. */
  readonly isDeep: boolean;
}

/**
 * Reads a glob: `*` is any part of a name, `?` one character of it, `[a-z]` one of these, `[!a-z]` one of others, `**` any number of
 * folders, `{a,b}` either. Wildcards do not match a name that begins with a dot. Undefined for a path without them.
 * @throws BerthError DATA_CORPUS_INVALID for braces that stand for too many paths
 */
export function parseGlob(path: string): Glob | undefined {
  const first = path.search(/[*?[{]/);
  if (first === -1 || !isPattern(path)) return undefined;
  const start = path.lastIndexOf('/', first) + 1;
  const alternatives = expandBraces(path.slice(start)).map((pattern) => pattern.split('/'));
  for (const patterns of alternatives)
    // At the end, `**` stands for at least one name.
    if (patterns.at(-1) === '**') patterns.push('*');
  const matchers = alternatives.map((patterns) =>
    patterns.map((pattern) => (pattern === '**' ? any : nameMatcher(pattern))),
  );
  return {
    base: start === 0 ? '.' : path.slice(0, start - 1) || '/',
    matches: (name) => {
      const names = name.split('/');
      return matchers.some((patterns) => matchSequence(names, patterns, isVisible));
    },
    isDeep: alternatives.some((patterns) => patterns.length > 1),
  };
}

function isPattern(path: string): boolean {
  const [bracket, brace] = [path.indexOf('['), path.indexOf('{')];
  const comma = path.indexOf(',', brace);
  return (
    /[*?]/.test(path) ||
    (bracket >= 0 && path.includes(']', bracket)) ||
    (brace >= 0 && comma >= 0 && path.includes('}', comma))
  );
}

/** Stands for any number of items. */
const any = Symbol('any');
type Pattern<T> = typeof any | ((item: T) => boolean);

const isVisible = (name: string): boolean => !name.startsWith('.');

function nameMatcher(pattern: string): (name: string) => boolean {
  const characters = Array.from(pattern);
  const matchers: Pattern<string>[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at]!;
    const end = character === '[' ? endOfClass(characters, at) : undefined;
    if (end !== undefined) {
      matchers.push(classMatcher(characters.slice(at + 1, end)));
      at = end;
    } else if (character === '*') matchers.push(any);
    else matchers.push(character === '?' ? () => true : (other) => other === character);
  }
  const isWild = /^[*?[]/.test(pattern);
  return (name) =>
    (!isWild || isVisible(name)) && matchSequence(Array.from(name), matchers, () => true);
}

/** Where the bracket is that closes one; the first behind it is one of the characters. */
function endOfClass(characters: readonly string[], start: number): number | undefined {
  const isNegated = /[!^]/.test(characters[start + 1] ?? '');
  const end = characters.indexOf(']', start + (isNegated ? 3 : 2));
  return end === -1 ? undefined : end;
}

/** @param members - such as `a`, `-`, `z`, `_`; behind `!` or `^`, those that do not match */
function classMatcher(members: readonly string[]): (character: string) => boolean {
  const isNegated = /[!^]/.test(members[0] ?? '');
  const ranges: [string, string][] = [];
  for (let at = isNegated ? 1 : 0; at < members.length; at += 1) {
    const isRange = members[at + 1] === '-' && at + 2 < members.length;
    ranges.push([members[at]!, members[isRange ? at + 2 : at]!]);
    if (isRange) at += 2;
  }
  return (character) =>
    ranges.some(([first, last]) => character >= first && character <= last) !== isNegated;
}

/**
 * Whether items match patterns from end to end. Only the last `any` ever has to take one item more, so the time is at
 * most the product of their numbers.
 * @param isAny - which items `any` may stand for
 */
function matchSequence<T>(
  items: readonly T[],
  patterns: readonly Pattern<T>[],
  isAny: (item: T) => boolean,
): boolean {
  let [item, pattern] = [0, 0];
  let retry: { item: number; pattern: number } | undefined;
  while (item < items.length) {
    const current = patterns[pattern];
    if (current === any) {
      pattern += 1;
      retry = { item, pattern };
    } else if (current?.(items[item]!) === true) {
      item += 1;
      pattern += 1;
    } else if (retry !== undefined && isAny(items[retry.item]!)) {
      retry.item += 1;
      ({ item, pattern } = retry);
    } else return false;
  }
  return patterns.slice(pattern).every((rest) => rest === any);
}
