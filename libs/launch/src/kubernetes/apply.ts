import { BerthError } from '@berth/contracts';
import { kubectl, type KubectlPlace } from './kubectl.ts';
import { toYaml, type Manifest } from './manifest.ts';
import { reportRun } from './report-run.ts';
import { runLabel } from './names.ts';
import type { ClaimObject, EventObject, JobObject, PodObject } from './run-objects.ts';

/**
 * Has the cluster take manifests; what is as it should be stays.
 * @returns a line for each, as kubectl says it
 * @throws BerthError as `kubectl`
 */
export async function applyManifests(
  place: KubectlPlace,
  manifests: readonly Manifest[],
): Promise<readonly string[]> {
  if (manifests.length === 0) return [];
  const printed = await kubectl(place, ['apply', '-f', '-'], toYaml(manifests));
  return printed.split('\n').filter((line) => line !== '');
}

/** How a run stands in the cluster, one line each; `reportRun`. @throws BerthError as `kubectl` */
export async function lookAtRun(
  place: KubectlPlace,
  { run, cluster }: { readonly run: string; readonly cluster: string },
): Promise<readonly string[]> {
  const read = async <T>(...words: string[]): Promise<readonly T[]> => {
    const printed = await kubectl(place, ['get', ...words, '-o', 'json']);
    return (JSON.parse(printed) as { readonly items: readonly T[] }).items;
  };
  const [jobs, pods, events, claims] = await Promise.all([
    read<JobObject>('jobs', `--selector=${runLabel}=${run}`),
    read<PodObject>('pods', `--selector=${runLabel}=${run}`),
    read<EventObject>('events', '--field-selector=type=Warning'),
    read<ClaimObject>('pvc', `--selector=app.kubernetes.io/instance=${cluster}`),
  ]);
  const job = jobs.find(({ metadata }) => metadata.name === run);
  return reportRun(run, { job, pods, events, claims });
}

/**
 * Changes how many workers a run has whose Job is there.
 * @returns false where there is none
 * @throws BerthError `RUN_STATE_CONFLICT` for one that has ended; as `kubectl`
 */
export async function changeWorkers(
  place: KubectlPlace,
  run: string,
  numWorkers: number,
): Promise<boolean> {
  const printed = await kubectl(place, ['get', 'job', run, '--ignore-not-found', '-o', 'json']);
  if (printed.trim() === '') return false;
  const { status } = JSON.parse(printed) as JobObject;
  const ended = status?.conditions?.find(
    ({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True',
  );
  if (ended !== undefined)
    throw new BerthError(
      'RUN_STATE_CONFLICT',
      `Job ${run} has ended (${ended.type}); \`kubectl delete job ${run}\`, then this again, starts workers anew`,
    );
  const change = JSON.stringify({ spec: { parallelism: numWorkers } });
  await kubectl(place, ['patch', 'job', run, '--type=merge', `--patch=${change}`]);
  return true;
}
