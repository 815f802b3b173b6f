import { BerthError, toBerthError, type Job, type JobProgress } from '@berth/contracts';
import type { PreparationNotes } from '@berth/queue';

/** How often is noted how far a job is. */
const noteMs = 500;
/** For others to take the jobs that need what only they see. */
const restMs = 2_000;

export interface NotePorts {
  readonly memberId: string;
  readonly notesOf: (runId: string) => Pick<PreparationNotes, 'note' | 'sees'>;
  /** Leaves the next jobs to others for a while. */
  readonly rest: (durationMs: number) => void;
}

interface Noting {
  readonly tell: (progress: JobProgress | string) => void;
  readonly done: () => Promise<void>;
  /** @returns what the job fails with */
  readonly failed: (thrown: unknown) => Promise<unknown>;
}

/** Keeps for people how far a job is, and who does not see a corpus. */
export function noteProgress(
  { memberId, notesOf, rest }: NotePorts,
  job: Job,
  tell: (progress: string) => void,
): Noting {
  const name = jobNameOf(job);
  if (name === undefined || job.kind === 'examples')
    return {
      tell: (progress) => (typeof progress === 'string' ? tell(progress) : undefined),
      done: () => Promise.resolve(),
      failed: (thrown) => Promise.resolve(thrown),
    };
  const notes = notesOf(job.runId);
  let last: JobProgress = { numBytes: 0, numDocuments: 0 };
  let [notedMs, activity] = [-Infinity, undefined as string | undefined];
  const unimportant = (): undefined => undefined;
  return {
    tell(progress) {
      if (typeof progress === 'string') return;
      const nowMs = performance.now();
      last = progress;
      if (nowMs - notedMs < noteMs && progress.activity === activity) return;
      [notedMs, activity] = [nowMs, progress.activity];
      void notes.note(name, { ...progress, isDone: false }).catch(unimportant);
    },
    async done() {
      const { numBytes, numDocuments } = last;
      await notes.note(name, { numBytes, numDocuments, isDone: true }).catch(unimportant);
      if (readsCorpus(job)) await notes.sees(memberId, undefined).catch(unimportant);
    },
    async failed(thrown) {
      const { code, message, details } = toBerthError(thrown);
      const isChanged = code === 'DATA_CORPUS_CHANGED';
      if (!(isChanged || code === 'DATA_CORPUS_NOT_FOUND') || !readsCorpus(job)) return thrown;
      await notes.sees(memberId, { problem: message, isChanged }).catch(unimportant);
      rest(restMs);
      return new BerthError('DATA_NOT_HERE', message, { cause: thrown, details });
    },
  };
}

function readsCorpus({ kind }: Job): boolean {
  return kind === 'inventory' || kind === 'import' || kind === 'survey' || kind === 'tokenise';
}

/** How a job is called among those of a dataset; undefined for one that is none of them. */
function jobNameOf(job: Job): string | undefined {
  switch (job.kind) {
    case 'survey':
    case 'tokenise':
      return `${job.kind}/${job.chunk}`;
    case 'mergeCounts':
      return `${job.kind}/${job.level}/${job.index}`;
    case 'assemble':
      return `${job.kind}/${job.split}/${job.shard}`;
    case 'labelledDataset':
    case 'examples':
      return undefined;
    default:
      return job.kind;
  }
}
