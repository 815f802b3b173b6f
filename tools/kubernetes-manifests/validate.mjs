#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { schemasOf } from './schemas.mjs';

const help = `Usage: npm run check:manifests [-- --openapi FILE]

Has kustomize, Helm and kubeconform look at infra/kubernetes, those of them that are here. Schemas are those of FILE, or of
the API server that kubectl asks: \`kubectl get --raw /openapi/v2\`. Exit code 0: what ran found nothing; 1: it did.`;

const infra = fileURLToPath(new URL('../../infra/kubernetes/', import.meta.url));
const chart = join(infra, 'chart');
/** Defined elsewhere than in Kubernetes. */
const unknownKinds = ['PodMonitor', 'ScaledObject', 'ClusterTrainingRuntime'];
const everything = ['redis', 'store', 'dataWorkers', 'autoscaling', 'monitoring']
  .map((name) => `${name}.enabled=true`)
  .concat(
    'run.name=first',
    'run.gpu=true',
    'run.kernels=avx2',
    'run.queue=spot',
    'run.linkMbitPerS=1000',
  );

const { values } = parseArgs({
  options: { help: { type: 'boolean', default: false }, openapi: { type: 'string' } },
});
if (values.help) console.log(help);
else main();

function main() {
  const texts = [readFileSync(join(infra, 'examples/demo.yaml'), 'utf8')];
  if (has('kubectl', 'version', '--client')) texts.push(...kustomized());
  if (has('helm', 'version')) {
    must('helm lint', 'helm', ['lint', '--strict', chart, '--set', everything.join(',')]);
    texts.push(must('helm template', 'helm', ['template', 'berth', chart]));
    const all = ['template', 'berth', chart, '--set', everything.join(',')];
    texts.push(must('helm template, everything', 'helm', all));
  }
  if (has('kubeconform', '-v')) conform(texts.join('\n---\n'));
}

/** The base, and a folder that takes in all components. */
function kustomized() {
  const folder = mkdtempSync(join(infra, '.check-'));
  try {
    const components = readdirSync(join(infra, 'components')).map(
      (name) => `  - ../components/${name}`,
    );
    const lines = ['namespace: ml', 'resources: [../base]', 'components:', ...components];
    writeFileSync(join(folder, 'kustomization.yaml'), lines.join('\n'));
    return [join(infra, 'base'), folder].map((path) =>
      must(`kustomize ${path === folder ? 'with all components' : 'base'}`, 'kubectl', [
        'kustomize',
        path,
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} text */
function conform(text) {
  const openApi = values.openapi
    ? readFileSync(values.openapi, 'utf8')
    : must('the API server', 'kubectl', ['get', '--raw', '/openapi/v2']);
  const folder = mkdtempSync(join(tmpdir(), 'berth-schemas-'));
  try {
    for (const [name, schema] of schemasOf(JSON.parse(openApi)))
      writeFileSync(join(folder, name), JSON.stringify(schema));
    const place = `${folder}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
    const words = [
      '-strict',
      '-summary',
      '-skip',
      unknownKinds.join(','),
      '-schema-location',
      place,
    ];
    console.log(must('kubeconform', 'kubeconform', words, text).trim());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} words
 */
function has(program, ...words) {
  const isHere = spawnSync(program, words, { stdio: 'ignore' }).status === 0;
  if (!isHere) console.log(`${program}: not run: it is not here`);
  return isHere;
}

/**
 * @param {string} what
 * @param {string} program
 * @param {readonly string[]} words
 * @param {string} [input]
 * @returns {string} what it printed
 */
function must(what, program, words, input) {
  const { status, stdout, stderr } = spawnSync(program, words, {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status === 0) {
    console.log(`${what}: ok`);
    return stdout;
  }
  console.error(`${what}: failed\n${stdout}${stderr}`);
  process.exit(1);
}
