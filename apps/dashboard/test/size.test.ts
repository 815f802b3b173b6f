import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';

const site = fileURLToPath(new URL('../dist/site', import.meta.url));
const maxFirstLoadBytes = 300_000;

it('loads less than 300 KB at first', () => {
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(html|js|css|svg)$|inter-latin-wght-.*\.woff2$/.test(name))
    .map((name) => gzipSync(readFileSync(join(site, name))).length);
  const bytes = files.reduce((sum, size) => sum + size, 0);
  console.log(`first load: ${(bytes / 1000).toFixed(1)} KB gzipped`);
  expect(bytes).toBeLessThan(maxFirstLoadBytes);
});
