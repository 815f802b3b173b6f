import { existsSync, readFileSync, statSync } from 'node:fs';

const programs = new URL('../../../dist/programs/', import.meta.url);

/**
 * Runs one of berth's programs: as setup has put it together, or from its modules where that is not of the present build.
 * @param {string} name - among what tools/setup/programs.mjs makes
 * @param {URL} modules - its compiled module
 */
export async function startProgram(name, modules) {
  if (arePutTogether()) await import(new URL(`${name}.js`, programs).href);
  else if (existsSync(modules)) await import(modules.href);
  else {
    console.error('berth: this checkout is not built; run: npm run setup');
    process.exitCode = 6;
  }
}

/** Whether setup has put together what starts, and from the present build. */
function arePutTogether() {
  try {
    const { changed } = JSON.parse(readFileSync(new URL('inputs.json', programs), 'utf8'));
    return changed.every(
      ([path, mtimeMs]) => statSync(new URL(path, programs)).mtimeMs === mtimeMs,
    );
  } catch {
    return false;
  }
}
