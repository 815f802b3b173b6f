#!/usr/bin/env node
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readProjects } from './boundaries/read-projects.mjs';
import { checkBoundaries } from './boundaries/rules.mjs';

const projects = readProjects(dirname(dirname(fileURLToPath(import.meta.url))));
const { errors, warnings } = checkBoundaries(projects);
for (const line of warnings) console.log(`warning: ${line}`);
for (const line of errors) console.error(`error: ${line}`);
console.log(`${projects.length} projects, ${errors.length} errors, ${warnings.length} warnings`);
process.exitCode = errors.length === 0 ? 0 : 1;
