#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { runConfigJsonSchema, runFileJsonSchema, settings } from '@berth/contracts';
import { referencePage, schemaFile } from './reference.mjs';

const schema = runConfigJsonSchema();
const root = new URL('../../', import.meta.url);
writeFileSync(
  new URL('docs/config.md', root),
  referencePage(schema, new Map(settings.map(({ path, change }) => [path, change]))),
);
writeFileSync(new URL('configs/run.schema.json', root), schemaFile(runFileJsonSchema()));
