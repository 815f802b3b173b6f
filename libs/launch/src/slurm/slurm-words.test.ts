import { expect, it } from 'vitest';
import { adviceOn, complaintOf, maxArrayTasks, parseQueue } from './slurm-words.ts';

it('reads the queue, with tasks apart from jobs', () => {
  expect(parseQueue('17|3|RUNNING|berth-a\n18|N/A|PENDING|berth-head-a\n\n')).toEqual([
    { id: '17_3', index: 3, state: 'RUNNING', name: 'berth-a' },
    { id: '18', index: 0, state: 'PENDING', name: 'berth-head-a' },
  ]);
});

it('reads how many tasks an array may have', () => {
  expect(maxArrayTasks('MaxArraySize            = 1001\nMaxJobCount = 10000\n')).toBe(1001);
  expect(maxArrayTasks('')).toBeUndefined();
});

// As Slurm 22.05 prints them.
it.each([
  [
    'sbatch: error: invalid partition specified: nosuch\nsbatch: error: Batch job submission failed: Invalid partition name specified\n',
    'invalid partition specified: nosuch; Invalid partition name specified',
    /--partition/,
  ],
  [
    'sbatch: error: Batch job submission failed: Invalid job array specification\n',
    'Invalid job array specification',
    /--workers/,
  ],
  [
    'sbatch: error: CPU count per node can not be satisfied\nsbatch: error: Batch job submission failed: Requested node configuration is not available\n',
    'CPU count per node can not be satisfied; Requested node configuration is not available',
    /--cpus/,
  ],
  [
    'allocation failure: Resource temporarily unavailable\n',
    'Resource temporarily unavailable',
    /takes no more jobs/,
  ],
  [
    'sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\nsbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n',
    'Slurm temporarily unable to accept job, sleeping and retrying',
    /takes no more jobs/,
  ],
])('says what Slurm complains of in one line, and what to do: %j', (stderr, complaint, advice) => {
  expect(complaintOf(stderr)).toBe(complaint);
  expect(adviceOn(complaint)).toMatch(advice);
});
