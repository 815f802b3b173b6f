import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Raised when the files that the cache keeps for a module change their meaning. */
const formatRevision = 1;

/** What a module's traced function follows from. */
export interface ModuleSource {
  readonly module: URL;
  readonly name: string;
  readonly settings: unknown;
  readonly version: string;
  /** Of TensorFlow. */
  readonly tensorFlow: string;
}

/**
 * The name under which the cache keeps a module's function: a hash of the module, of the files it imports by a relative path,
 * of those that these import, and of everything else in the source.
 */
export function moduleKey({ module, ...rest }: ModuleSource): string {
  const hash = createHash('sha256').update(JSON.stringify([formatRevision, module.href, rest]));
  for (const content of filesFrom(module)) hash.update(JSON.stringify(content));
  return `module-${hash.digest('hex').slice(0, 32)}`;
}

/** Matches more than imports, such as quoted paths in comments, which does no harm. */
const relativeImport = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** A module's text and those of the files it imports, in a stable order. */
function filesFrom(module: URL): string[] {
  const texts = new Map<string, string>();
  const visit = (url: URL): void => {
    const path = [url, new URL(url.href.replace(/\.js$/, '.ts'))]
      .map((candidate) => fileURLToPath(candidate))
      .find((candidate) => existsSync(candidate));
    if (path === undefined || texts.has(path)) return;
    const text = readFileSync(path, 'utf8');
    texts.set(path, text);
    for (const [, relative] of text.matchAll(relativeImport)) visit(new URL(relative!, url));
  };
  visit(module);
  return [...texts.values()];
}
