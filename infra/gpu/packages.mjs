import { readFile, readdir, readlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What steps are measured with; the rest of bench is compiled beside it and not loaded. */
const roots = ['@berth/contracts', '@berth/graph', '@berth/model', 'node-api-headers'];

/** What Node reads, and what the addon is compiled from. */
const kept = /\.(?:js|cjs|mjs|json|wasm|cc|h)$/;
/** Copies of packages for browsers, and tests. */
const left = /(?:^|\/)(?:dist\/[^/]*(?:\.min|fesm|es2017)[^/]*\.js|[^/]*_test\.js)$/;

/**
 * The files of the packages that steps need with all they depend on, and of bench, as they are in a checkout that is set up.
 * @param {string} root
 * @returns {Promise<{ path: string, link?: string }[]>} paths in the checkout; `link` where it is a symbolic link to that
 */
export async function filesOfPackages(root) {
  const found = [];
  for (const name of await closureOf(root, roots)) {
    const folder = `node_modules/${name}`;
    const link = await readlink(join(root, folder)).catch(() => undefined);
    if (link !== undefined) found.push({ path: folder, link });
    const place = link === undefined ? folder : join('node_modules', name, '..', link);
    found.push(...(await filesIn(root, place)));
  }
  return [...found, ...(await filesIn(root, 'bench'))];
}

/**
 * @param {string} root
 * @param {string} folder
 */
async function filesIn(root, folder) {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name).slice(root.length).replace(/^\//, '');
    const inside = path.slice(folder.length + 1);
    return entry.isFile() && kept.test(inside) && !left.test(inside) ? [{ path }] : [];
  });
}

/**
 * @param {string} root
 * @param {readonly string[]} names
 */
async function closureOf(root, names) {
  const known = new Set();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const file = join(root, 'node_modules', name, 'package.json');
    if (known.has(name) || !existsSync(file)) continue;
    known.add(name);
    open.push(...Object.keys(JSON.parse(await readFile(file, 'utf8')).dependencies ?? {}));
  }
  return [...known].toSorted((a, b) => (a < b ? -1 : 1));
}
