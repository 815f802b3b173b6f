const wildcard = /[*?]/;

/** A path cut where its wildcards begin. */
export interface Glob {
  /** The folder to look in. */
  readonly base: string;
  /** Matches paths below `base`, written with "/". */
  readonly pattern: RegExp;
  /** Whether `pattern` can match anything below a subfolder. */
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
  const patternParts = parts.slice(first);
  return {
    base: first === 0 ? '.' : parts.slice(0, first).join('/') || '/',
    pattern: new RegExp(`^${patternParts.map(partSource).join('')}$`, 'u'),
    isDeep: patternParts.length > 1 || patternParts[0] === '**',
  };
}

function partSource(part: string, index: number, parts: readonly string[]): string {
  const end = index === parts.length - 1 ? '' : '/';
  if (part === '**') return '(?:(?!\\.)[^/]+/)*' + (end === '' ? '(?!\\.)[^/]+' : '');
  const name = part
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return (/^[*?]/.test(part) ? '(?!\\.)' : '') + name + end;
}
