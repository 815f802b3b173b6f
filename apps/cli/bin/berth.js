#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/main.js', import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  console.error('berth: this checkout is not built; run: npm run setup');
  process.exitCode = 6;
}
