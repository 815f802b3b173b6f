import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { linesWithObjectives } from './objectives.mjs';

/**
 * The workspace as nx sees it, with each project's declarations and source files.
 * @param {string} root
 * @returns {import('./rules.mjs').Project[]}
 */
export function readProjects(root) {
  const nodes = Object.values(readGraph(root).nodes);
  const nameOfFolder = new Map(nodes.map(({ name, data }) => [join(root, data.root), name]));
  return nodes.map(({ name, data }) => {
    const folder = join(root, data.root);
    const manifest = readJson(join(folder, 'package.json'));
    const references = readJson(join(folder, 'tsconfig.json')).references ?? [];
    return {
      name,
      layer: data.tags.find((tag) => tag.startsWith('layer:')) ?? 'no layer',
      dependencies: Object.keys(manifest.dependencies ?? {}),
      devDependencies: Object.keys(manifest.devDependencies ?? {}),
      references: references.map(({ path }) => nameOfFolder.get(resolve(folder, path)) ?? path),
      files: listSources(folder).map((file) => readSource(file, folder, root)),
    };
  });
}

function readGraph(root) {
  const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true' };
  const options = { cwd: root, env, encoding: 'utf8', maxBuffer: 2 ** 26, timeout: 120_000 };
  return JSON.parse(execFileSync('node_modules/.bin/nx', ['graph', '--print'], options)).graph;
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** @param {string} folder */
function listSources(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((path) => /\.(ts|tsx|mjs|cjs)$/.test(path) && !/(^|\/)(dist|node_modules)\//.test(path))
    .map((path) => join(folder, path));
}

function readSource(file, folder, root) {
  const text = readFileSync(file, 'utf8');
  const path = relative(root, file);
  return {
    path,
    numLines: text.split('\n').length - 1,
    isTest: isTestFile(relative(folder, file)),
    imports: importsOf(text),
    objectives: linesWithObjectives(path, text),
  };
}

/**
 * Tests, what only they and developers use, and the configs of tools.
 * @param {string} path - within the project
 */
export function isTestFile(path) {
  return /\.(test|config)\.ts$|(^|\/)(test|testing|fixtures|simulator|dev)(\/|\.)/.test(path);
}

/**
 * Everything a source file imports, as it writes it.
 * @param {string} text
 * @returns {string[]}
 */
export function importsOf(text) {
  const statement = /^(?:import|export|\})[^'"\n]*?from\s*'([^']+)'|^import\s*'([^']+)'/gm;
  const call = /\b(?:import|require)\(\s*'([^']+)'\s*\)/g;
  return [...text.matchAll(statement), ...text.matchAll(call)].map(([, a, b]) => a ?? b);
}
