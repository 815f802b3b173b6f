import { BerthError } from '@berth/contracts';

const maxPaths = 1024;

/**
 * The paths that a pattern with braces stands for: `a{b,c{d,}}` is ab, acd and ac. Braces without a comma are nothing special.
 * @throws BerthError DATA_CORPUS_INVALID for more than 1,024
 */
export function expandBraces(pattern: string): string[] {
  let open = [pattern];
  const done: string[] = [];
  while (open.length > 0) {
    if (open.length + done.length > maxPaths)
      throw new BerthError(
        'DATA_CORPUS_INVALID',
        `${pattern}: its braces stand for more than ${maxPaths} paths: use * in place of some`,
      );
    open = open.flatMap((path) => {
      const alternatives = expandFirst(path);
      if (alternatives === undefined) done.push(path);
      return alternatives ?? [];
    });
  }
  return done;
}

/** @returns undefined for a path without braces that have a comma */
function expandFirst(path: string): string[] | undefined {
  for (let start = path.indexOf('{'); start !== -1; start = path.indexOf('{', start + 1)) {
    const cuts = [start];
    let depth = 0;
    for (let at = start; at < path.length; at += 1) {
      if (path[at] === '{') depth += 1;
      if (path[at] === ',' && depth === 1) cuts.push(at);
      if (path[at] !== '}') continue;
      depth -= 1;
      if (depth > 0) continue;
      if (cuts.length === 1) break;
      return [...cuts.keys()].map(
        (i) =>
          path.slice(0, start) + path.slice(cuts[i]! + 1, cuts[i + 1] ?? at) + path.slice(at + 1),
      );
    }
  }
  return undefined;
}
