/** What one page of ListObjectsV2 shows. */
export interface ListPage {
  readonly keys: string[];
  readonly commonPrefixes: string[];
  /** Where the next page continues: pass it as `after`. `undefined` on the last page. */
  readonly next: string | undefined;
}

/**
 * One page of a listing. Keys that share the part up to a delimiter behind the prefix count as one common prefix.
 * @param sortedKeys all keys with the prefix, in listing order
 * @param after skip keys up to and with this one, and keys inside this common prefix
 */
export function listPage(
  sortedKeys: readonly string[],
  options: {
    readonly prefix: string;
    readonly delimiter: string;
    readonly maxKeys: number;
    readonly after: string;
  },
): ListPage {
  const { prefix, delimiter, maxKeys, after } = options;
  const keys: string[] = [];
  const commonPrefixes: string[] = [];
  let last = '';
  const afterBytes = Buffer.from(after);
  for (const key of sortedKeys) {
    if (after !== '' && Buffer.compare(Buffer.from(key), afterBytes) <= 0) continue;
    const group = commonPrefixOf(key, prefix, delimiter);
    if (group !== undefined && (group === after || group === commonPrefixes.at(-1))) continue;
    if (keys.length + commonPrefixes.length === maxKeys) {
      return { keys, commonPrefixes, next: maxKeys === 0 ? undefined : last };
    }
    if (group === undefined) keys.push(key);
    else commonPrefixes.push(group);
    last = group ?? key;
  }
  return { keys, commonPrefixes, next: undefined };
}

function commonPrefixOf(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '') return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : key.slice(0, end + delimiter.length);
}
