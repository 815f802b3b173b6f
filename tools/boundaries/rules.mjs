/** What may depend on what. Data first, then the checks; each check returns sentences, none when all is well. */

/** Which layers a layer may depend on. */
const layerMayUse = {
  'layer:0': [],
  'layer:1': ['layer:0'],
  'layer:2': ['layer:0', 'layer:1'],
  'layer:3': ['layer:0', 'layer:1', 'layer:2'],
  'layer:app': ['layer:0', 'layer:1', 'layer:2', 'layer:3', 'layer:app'],
  'layer:web': ['layer:0'],
  'layer:test': ['layer:0', 'layer:1', 'layer:2'],
};

/**
 * Edges within a layer: the model is compiled by the graph library, and its state digested by the kernels of the data plane; what
 * Redis keeps follows decisions of the protocol, whose simulator sums and keeps checkpoints as the real parts do.
 */
const edgesWithinLayer = new Set([
  '@berth/model -> @berth/graph',
  '@berth/model -> @berth/collectives',
  '@berth/queue -> @berth/protocol',
  '@berth/protocol -> @berth/checkpoint',
  '@berth/protocol -> @berth/collectives',
  '@berth/chaos -> @berth/launch',
]);

/** What tests of any layer may use besides, as devDependencies. */
const testsMayUse = [
  '@berth/testing',
  '@berth/faults',
  '@berth/graph',
  '@berth/protocol',
  '@berth/s3-server',
];

/** The projects that may import a package from npm; nobody else. */
const owners = {
  '@aws-sdk/client-s3': ['@berth/checkpoint'],
  '@fontsource-variable/inter': ['@berth/dashboard'],
  '@preact/signals': ['@berth/dashboard'],
  '@hono/node-server': ['@berth/coordinator'],
  '@huggingface/hub': ['@berth/hugging-face'],
  '@tensorflow/tfjs-core': ['@berth/model', '@berth/graph'],
  '@tensorflow/tfjs-node-gpu': ['@berth/graph'],
  bullmq: ['@berth/queue'],
  commander: ['@berth/cli'],
  'csv-parse': ['@berth/data'],
  fzstd: ['@berth/data'],
  hono: ['@berth/coordinator'],
  hyparquet: ['@berth/data'],
  'hyparquet-compressors': ['@berth/data'],
  ioredis: ['@berth/queue'],
  preact: ['@berth/dashboard'],
  'prom-client': ['@berth/observability'],
  'unbzip2-stream': ['@berth/data'],
  uplot: ['@berth/dashboard'],
  winston: ['@berth/observability'],
  'xxhash-wasm': ['@berth/data'],
  'xz-decompress': ['@berth/data'],
  yaml: ['@berth/launch'],
  zod: ['@berth/contracts'],
};

/** Lines of a file: more are a warning. */
const softLimit = 300;
/** More are an error. */
const hardLimit = { source: 400, test: 500 };

/**
 * A project of the workspace.
 * @typedef {object} Project
 * @property {string} name
 * @property {string} layer - its tag `layer:*`
 * @property {readonly string[]} dependencies - names, from package.json
 * @property {readonly string[]} devDependencies
 * @property {readonly string[]} references - names of the projects its tsconfig.json refers to
 * @property {readonly SourceFile[]} files
 */

/**
 * @typedef {object} SourceFile
 * @property {string} path
 * @property {number} numLines
 * @property {boolean} isTest
 * @property {readonly string[]} imports
 * @property {readonly number[]} objectives - lines that name what a task learns
 */

/**
 * @param {readonly Project[]} projects
 * @returns {{ errors: string[], warnings: string[] }}
 */
export function checkBoundaries(projects) {
  const layers = new Map(projects.map((project) => [project.name, project.layer]));
  const errors = projects.flatMap((project) => [
    ...checkLayers(project, layers),
    ...checkReferences(project, layers),
    ...checkOwners(project, layers),
    ...checkImports(project),
    ...checkObjectives(project),
  ]);
  const files = projects.flatMap((project) => project.files);
  const { tooLong, long } = checkLengths(files);
  return { errors: [...errors, ...tooLong], warnings: long };
}

/** Dependencies point from apps towards contracts. */
function checkLayers({ name, layer, dependencies, devDependencies }, layers) {
  const allowed = layerMayUse[layer];
  if (allowed === undefined) return [`${name}: no tag of ${Object.keys(layerMayUse).join(', ')}`];
  const isAllowed = (used) =>
    allowed.includes(layers.get(used)) || edgesWithinLayer.has(`${name} -> ${used}`);
  return [
    ...dependencies.filter((used) => layers.has(used) && !isAllowed(used)),
    ...devDependencies.filter(
      (used) => layers.has(used) && !isAllowed(used) && !testsMayUse.includes(used),
    ),
  ].map((used) => `${name} (${layer}) may not depend on ${used} (${layers.get(used)})`);
}

/** tsc builds in the order of the references, so they must be the workspace dependencies. */
function checkReferences({ name, dependencies, devDependencies, references }, layers) {
  const used = [...dependencies, ...devDependencies].filter((dependency) => layers.has(dependency));
  return [
    ...used
      .filter((dependency) => !references.includes(dependency))
      .map((dependency) => `${name}: tsconfig.json lacks a reference to ${dependency}`),
    ...references
      .filter((reference) => !used.includes(reference))
      .map((reference) => `${name}: tsconfig.json refers to ${reference}, package.json does not`),
  ];
}

function checkOwners({ name, dependencies }, layers) {
  return dependencies
    .filter((used) => !layers.has(used) && !owners[used]?.includes(name))
    .map((used) => {
      const owner = owners[used]?.join(' and ');
      return owner === undefined
        ? `${name} depends on ${used}, which has no owner in tools/boundaries/rules.mjs`
        : `${name} depends on ${used}, which only ${owner} may use`;
    });
}

/** What a file imports is declared, and shipped code uses no devDependency. */
function checkImports({ name, dependencies, devDependencies, files }) {
  return files.flatMap(({ path, isTest, imports }) => {
    const allowed = new Set([name, ...dependencies, ...(isTest ? devDependencies : [])]);
    return [...new Set(imports.map(packageOf))]
      .filter((used) => used !== undefined && !allowed.has(used) && !isTestTool(used, isTest))
      .map((used) => `${path} imports ${used}, which package.json of ${name} does not allow there`);
  });
}

/** What a task learns is named in `tasks/` folders only; tests may, as they are about a task. */
function checkObjectives({ files }) {
  return files
    .filter(({ isTest }) => !isTest)
    .flatMap(({ path, objectives }) =>
      objectives.map((line) => `${path}:${line} names an objective; take it from the run's task`),
    );
}

/** Declared once for all tests, in the root package.json. */
function isTestTool(used, isTest) {
  return isTest && ['vitest', 'fast-check'].includes(used);
}

/**
 * @param {string} specifier - as imported
 * @returns {string | undefined} the package's name; undefined for files and for Node's own modules
 */
export function packageOf(specifier) {
  if (/^(\.|\/|#|node:)/.test(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function checkLengths(files) {
  const say = ({ path, numLines }) => `${path} has ${numLines} lines; split it below ${softLimit}`;
  const long = files.filter(({ numLines }) => numLines > softLimit);
  const isTooLong = ({ numLines, isTest }) =>
    numLines > (isTest ? hardLimit.test : hardLimit.source);
  return {
    tooLong: long.filter(isTooLong).map(say),
    long: long.filter((file) => !isTooLong(file)).map(say),
  };
}
