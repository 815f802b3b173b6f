import {
  findNewestManifest,
  isComplete,
  isDamage,
  isLeftBehind,
  listCheckpoints,
  pinCheckpoint,
  readBranch,
  storeBranchLedger,
  storedLedger,
  writeBranch,
} from '@berth/checkpoint';
import { isBerthError, type Branch, type Logger, type ObjectStore } from '@berth/contracts';
import { isAbandoned, type PastPort } from '@berth/protocol';
import { openRun, type RedisConnection } from '@berth/queue';

export interface PastOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly logger: Logger;
}

/** A run's past in Redis and in the bucket. */
export function openPast({ connection, store, logger }: PastOptions, runId: string): PastPort {
  const { ledger, metrics, checkpoints } = openRun(connection, runId);
  return {
    async newest(attempts, maxStep) {
      const found = await findNewestManifest(store, runId, { attempts, logger, maxStep });
      if (found === undefined) return undefined;
      const { manifest } = found;
      return {
        step: manifest.step,
        async putBack(fencingEpoch) {
          try {
            await ledger.restore(storedLedger(store, manifest), fencingEpoch);
            return undefined;
          } catch (error) {
            // What was stored is no ledger.
            const isInvalid = isBerthError(error) && error.code === 'LEDGER_INVALID';
            if (isInvalid || isDamage(error)) return error.message;
            throw error;
          }
        },
      };
    },

    async newestWhole(attempts, maxStep) {
      const listed = await listCheckpoints(store, runId, attempts);
      for (const { step, manifestKey } of listed.reverse())
        if (step <= maxStep && (await isComplete(store, manifestKey))) return step;
      return 0;
    },

    pin(step, attempts, fencingEpoch) {
      const attempt = attempts.at(-1)?.attempt ?? 1;
      return pinCheckpoint(store, { runId, attempt, fencingEpoch }, step, attempts);
    },

    branch: (attempt) => readBranch(store, runId, attempt),

    async fileBranch({ toStep, attempt, askedAtMs }, fence) {
      const identity = { runId, attempt, askedAtMs, fromStep: toStep };
      const branch: Branch = {
        format: 'berth-branch/2',
        ...identity,
        fencingEpoch: fence.fencingEpoch,
        viewVersion: fence.version,
        ledger: await storeBranchLedger(store, identity, (from, to) => ledger.entries(from, to)),
      };
      await metrics.keepAfter(toStep);
      await writeBranch(store, branch);
      return branch;
    },

    async listAgain(attempts) {
      for (const noted of await checkpoints.list())
        if (isLeftBehind(runId, attempts, noted)) await checkpoints.forget(noted.step);
      for (const checkpoint of await listCheckpoints(store, runId, attempts))
        if ((await checkpoints.at(checkpoint.step)) === undefined)
          await checkpoints.note(checkpoint);
    },

    // A note that a member of an attempt long over has left does not count.
    async isSaved(step, attempts) {
      const noted = await checkpoints.at(step);
      return noted !== undefined && !isLeftBehind(runId, attempts, noted);
    },

    async newestListed(attempts) {
      const listed = await checkpoints.list();
      return listed.findLast((noted) => !isLeftBehind(runId, attempts, noted))?.step ?? 0;
    },

    async isEvaluated(step, attempts) {
      const lines = await metrics.last(5);
      return lines.some(
        (line) => line.kind === 'eval' && line.step === step && !isAbandoned(attempts, line),
      );
    },
  };
}
