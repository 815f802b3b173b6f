import type { ArrayTask } from './array-plan.ts';

/** A job as squeue lists it, each task of an array by itself. */
export interface QueuedJob extends ArrayTask {
  readonly name: string;
}

/** What `squeue` is asked for, and `parseQueue` reads. */
export const queueFormat = '%F|%K|%T|%j';

/** @param text - what squeue printed, without its head */
export function parseQueue(text: string): QueuedJob[] {
  return text
    .split('\n')
    .filter((line) => line.includes('|'))
    .map((line) => {
      const [jobId = '', index = '', state = '', ...name] = line.trim().split('|');
      const isTask = /^\d+$/.test(index);
      return {
        id: isTask ? `${jobId}_${index}` : jobId,
        index: isTask ? Number(index) : 0,
        state,
        name: name.join('|'),
      };
    });
}

/** The largest number of tasks of an array, from what `scontrol show config` prints; undefined where it does not say. */
export function maxArrayTasks(config: string): number | undefined {
  const found = /^MaxArraySize\s*=\s*(\d+)/m.exec(config)?.[1];
  // The largest index is one less, and indexes begin with zero.
  return found === undefined ? undefined : Number(found);
}

/** What a Slurm program complains of, in one line: its own words, each once, without its name before them. */
export function complaintOf(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) =>
      line
        .replace(/^\w+: (error|fatal): /, '')
        .replace(/^(Batch job submission failed|allocation failure): /, '')
        .trim(),
    )
    .filter((line) => line !== '');
  return [...new Set(lines)].join('; ') || 'it says nothing';
}

/** What to do about a complaint, where that is known. */
export function adviceOn(complaint: string): string | undefined {
  return advice.find(([pattern]) => pattern.test(complaint))?.[1];
}

const advice: readonly (readonly [RegExp, string])[] = [
  [/invalid partition/i, 'sinfo lists the partitions: --partition'],
  [/invalid account/i, 'sacctmgr show associations lists your accounts: --account'],
  [/array/i, 'take fewer workers: --workers'],
  [
    /temporarily un(able|available)|submit limit|QOS|job violates/i,
    'the queue takes no more jobs of yours now: wait, or take another partition, account or --directive=--qos=NAME',
  ],
  [
    /node configuration|CPU count|memory/i,
    'no node has as much: --cpus, --memory, --gpus, --partition',
  ],
  [
    /unable to contact|connection|timed out/i,
    'slurmctld does not answer: try again, or ask those who run the cluster',
  ],
];
