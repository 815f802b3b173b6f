import { z } from 'zod';
import { BerthError } from './errors.ts';
import { resolveModelConfig } from './model-config.ts';
import { runConfigSchema, type RunConfig } from './run-config.ts';

/**
 * Checks a run config and fills in its defaults.
 * @param source - where it came from, for messages
 * @throws BerthError `CONFIG_UNKNOWN_KEY` with the nearest known key, `CONFIG_INVALID` for anything else
 */
export function parseRunConfig(value: unknown, source: string): RunConfig {
  const parsed = runConfigSchema.safeParse(value);
  if (!parsed.success) throw configError(parsed.error, source);
  checkConsistency(parsed.data, source);
  return parsed.data;
}

/** The published JSON Schema of a run file, for editors. */
export function runConfigJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(runConfigSchema, { io: 'input' }) as Record<string, unknown>;
}

let inputSchema: Record<string, unknown> | undefined;

function configError(error: z.ZodError, source: string): BerthError {
  const issue = error.issues[0];
  if (issue === undefined) return new BerthError('CONFIG_INVALID', `${source}: not a run config`);
  const where = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = knownKeys(issue.path);
    const near = nearest(key, known);
    const hint = near === undefined ? `known keys: ${known.join(', ')}` : `did you mean "${near}"?`;
    const full = where === '' ? key : `${where}.${key}`;
    return new BerthError('CONFIG_UNKNOWN_KEY', `${source}: unknown key "${full}"; ${hint}`);
  }
  return new BerthError('CONFIG_INVALID', `${source}: ${where || 'config'}: ${issue.message}`);
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  inputSchema ??= runConfigJsonSchema();
  let node: unknown = inputSchema;
  for (const part of path) node = propertiesOf(node)[String(part)];
  return Object.keys(propertiesOf(node));
}

function propertiesOf(node: unknown): Record<string, unknown> {
  if (typeof node !== 'object' || node === null || !('properties' in node)) return {};
  return node.properties as Record<string, unknown>;
}

/** The candidate within a third of the word's length in edits, if there is one. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(word.length / 3));
  const scored = candidates.map((candidate) => ({
    candidate,
    distance: editDistance(word.toLowerCase(), candidate.toLowerCase()),
  }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best !== undefined && best.distance <= limit ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

function checkConsistency(config: RunConfig, source: string): void {
  const { train, examples, optimizer } = config;
  const model = resolveModelConfig(config.model, config.vocabulary.size);
  const fail = (where: string, message: string): never => {
    throw new BerthError('CONFIG_INVALID', `${source}: ${where}: ${message}`);
  };
  if ((train.virtualRanks & (train.virtualRanks - 1)) !== 0)
    fail('train.virtualRanks', `${train.virtualRanks} is not a power of two; use 1, 2, 4, 8, ...`);
  if (train.globalBatch % train.virtualRanks !== 0)
    fail(
      'train.globalBatch',
      `${train.globalBatch} examples cannot be cut into ${train.virtualRanks} equal virtual ranks; ` +
        `use a multiple of ${train.virtualRanks}`,
    );
  const perRank = train.globalBatch / train.virtualRanks;
  if (train.microBatch !== undefined && perRank % train.microBatch !== 0)
    fail(
      'train.microBatch',
      `${train.microBatch} does not divide a virtual rank's ${perRank} examples`,
    );
  if (train.engine === 'eager' && train.precision !== 'fp32')
    fail('train.precision', `${train.precision} needs train.engine: graph`);
  if (model.hiddenSize % model.numHeads !== 0)
    fail('model.numHeads', `${model.numHeads} heads do not divide hidden size ${model.hiddenSize}`);
  if (examples.maxSeqLength > model.maxPositions)
    fail(
      'examples.maxSeqLength',
      `${examples.maxSeqLength} is longer than model.maxPositions ${model.maxPositions}`,
    );
  if (examples.maxPredictions > examples.maxSeqLength - 3)
    fail(
      'examples.maxPredictions',
      `${examples.maxPredictions} is more than the ${examples.maxSeqLength - 3} tokens that can be masked`,
    );
  if (optimizer.numWarmupSteps > train.numSteps)
    fail(
      'optimizer.numWarmupSteps',
      `${optimizer.numWarmupSteps} is more than train.numSteps ${train.numSteps}`,
    );
  if (config.cluster.minWorkers > train.virtualRanks)
    fail(
      'cluster.minWorkers',
      `${config.cluster.minWorkers} workers cannot share ${train.virtualRanks} virtual ranks`,
    );
}
