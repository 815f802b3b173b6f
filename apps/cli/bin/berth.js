#!/usr/bin/env node
import { existsSync, readFileSync, statSync } from 'node:fs';

const modules = new URL('../dist/main.js', import.meta.url);
const programs = new URL('../../../dist/programs/', import.meta.url);

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

if (arePutTogether()) await import(new URL('cli.js', programs).href);
else if (existsSync(modules)) await import(modules.href);
else {
  console.error('berth: this checkout is not built; run: npm run setup');
  process.exitCode = 6;
}
