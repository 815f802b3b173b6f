import type { CheckpointManifest, Logger, ObjectStore } from '@berth/contracts';
import type { Attempts } from './attempts.ts';
import { listCheckpoints, readManifest } from './manifest.ts';
import { isDamage } from './stored-part.ts';

/**
 * The manifest of a run's newest checkpoint that can be read; its parts are not looked at.
 * @param options.maxStep newer checkpoints are not looked at
 * @param options.attempts as the run's record has them
 * @returns `undefined` when there is none
 */
export async function findNewestManifest(
  store: ObjectStore,
  runId: string,
  options: {
    readonly logger: Logger;
    readonly maxStep?: number;
    readonly attempts?: Attempts;
  },
): Promise<{ manifest: CheckpointManifest; manifestKey: string } | undefined> {
  const { logger, maxStep = Infinity, attempts } = options;
  const listed = (await listCheckpoints(store, runId, attempts)).filter(
    ({ step }) => step <= maxStep,
  );
  for (const { step, manifestKey } of listed.reverse()) {
    try {
      return { manifest: await readManifest(store, manifestKey), manifestKey };
    } catch (error) {
      if (!isDamage(error)) throw error;
      logger.warn('skipping a damaged manifest', { runId, step, reason: error.message });
    }
  }
  return undefined;
}
