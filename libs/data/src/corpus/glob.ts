const wildcard = /[*?]/;

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
 * Reads a glob: `*` is any part of a name, `?` one character of it, `**` any number of folders. Wildcards do not
 * match a name that begins with a dot. Undefined for a path without wildcards.
 */
export function parseGlob(path: string): Glob | undefined {
  const parts = path.split('/');
  const first = parts.findIndex((part) => wildcard.test(part));
  if (first === -1) return undefined;
  const patterns = parts.slice(first);
  // At the end, `**` stands for at least one name.
  if (patterns.at(-1) === '**') patterns.push('*');
  const isNameLike = patterns.map((pattern) => (pattern === '**' ? any : nameMatcher(pattern)));
  return {
    base: first === 0 ? '.' : parts.slice(0, first).join('/') || '/',
    matches: (name) => matchSequence(name.split('/'), isNameLike, isVisible),
    isDeep: patterns.length > 1,
  };
}

/** Stands for any number of items. */
const any = Symbol('any');
type Pattern<T> = typeof any | ((item: T) => boolean);

const isVisible = (name: string): boolean => !name.startsWith('.');

function nameMatcher(pattern: string): (name: string) => boolean {
  const characters = Array.from(pattern, (character): Pattern<string> => {
    if (character === '*') return any;
    return character === '?' ? () => true : (other) => other === character;
  });
  const isWild = /^[*?]/.test(pattern);
  return (name) =>
    (!isWild || isVisible(name)) && matchSequence(Array.from(name), characters, () => true);
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
