#!/usr/bin/env node
import { mkdirSync, writeFileSync } from 'node:fs';
import { manifestFiles } from './files.mjs';

const root = new URL('../../', import.meta.url);
for (const [path, text] of manifestFiles()) {
  const file = new URL(path, root);
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, text);
}
