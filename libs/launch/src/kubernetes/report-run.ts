import type { ClaimObject, EventObject, JobObject, PodObject, RunObjects } from './run-objects.ts';

/**
 * How the Job of a run's workers stands, and what keeps pods from starting, one line each. Pure.
 * @param name - of the Job
 */
export function reportRun(
  name: string,
  { job, pods, events, claims }: RunObjects,
): readonly string[] {
  const { active = 0 } = job?.status ?? {};
  const isShort = active < (job?.spec.parallelism ?? 1);
  const causes = [
    ...pods.flatMap(troubleOf),
    ...(isShort ? events.flatMap((event) => ofEvent(event, name)) : []),
    ...claims.flatMap((claim) => ofClaim(claim, events)),
  ];
  const counts = new Map<string, number>();
  for (const cause of causes) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  return [
    job === undefined ? `there is no Job ${name}; --apply makes it` : headline(name, job),
    ...[...counts].map(([cause, count]) => (count === 1 ? cause : `${cause} (${count} times)`)),
  ];
}

function headline(name: string, { metadata, spec, status = {} }: JobObject): string {
  const holds = (type: string): boolean =>
    status.conditions?.some((one) => one.type === type && one.status === 'True') === true;
  const failed = status.conditions?.find(
    ({ type, status: is }) => type === 'Failed' && is === 'True',
  );
  if (holds('Complete')) return `Job ${name}: complete`;
  if (failed !== undefined)
    return `Job ${name}: failed, ${failed.reason ?? 'for no given reason'}: ${oneLine(failed.message)}`;
  if (spec.suspend === true) {
    const queue = metadata.labels?.['kueue.x-k8s.io/queue-name'];
    return `Job ${name}: suspended${queue === undefined ? '' : `, waits in queue ${queue}: kubectl describe localqueue ${queue}`}`;
  }
  const { active = 0, ready = 0, failed: numFailed = 0 } = status;
  return `Job ${name}: ${spec.parallelism ?? 1} workers wanted, ${active} there, ${ready} ready; ${numFailed} have ended and been replaced`;
}

const imageReasons = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull'];

/** What keeps a pod from starting, or how it ended badly. */
function troubleOf({ metadata, spec, status = {} }: PodObject): string[] {
  const isWorker = metadata.labels?.['app.kubernetes.io/component'] !== 'submission';
  const who = isWorker ? 'a worker' : 'the pod that submits the run';
  const unplaced = status.conditions?.find(
    ({ type, status: is }) => type === 'PodScheduled' && is === 'False',
  );
  if (unplaced !== undefined && status.phase === 'Pending')
    return [`${who} waits for a node: ${oneLine(unplaced.message)}`];
  if (status.reason === 'Evicted') return [`${who} was evicted: ${oneLine(status.message)}`];
  const [state] = status.containerStatuses?.map((container) => container.state) ?? [];
  const { waiting, terminated } = state ?? {};
  if (imageReasons.includes(waiting?.reason ?? ''))
    return [
      `${who}: image ${spec?.containers?.[0]?.image ?? ''} cannot be pulled: ${oneLine(waiting?.message)}`,
    ];
  if (waiting?.message !== undefined) return [`${who} cannot start: ${oneLine(waiting.message)}`];
  if (terminated !== undefined && terminated.exitCode !== 0)
    return [
      `${who} ended with ${terminated.exitCode}${meaning(terminated)}: ${lastWords(terminated.message)}`,
    ];
  return [];
}

function meaning({
  exitCode,
  reason,
}: {
  readonly exitCode: number;
  readonly reason?: string;
}): string {
  if (reason === 'OOMKilled') return ' (out of memory: give it more by --memory)';
  if (exitCode === 75 || exitCode === 143) return ' (is replaced)';
  return exitCode === 137 ? ' (killed)' : '';
}

/** Pods that could not even be made: a quota, or a policy of the namespace. */
function ofEvent({ reason, message, involvedObject }: EventObject, job: string): string[] {
  const isOfJob = involvedObject.kind === 'Job' && involvedObject.name === job;
  return isOfJob && reason === 'FailedCreate'
    ? [`pods cannot be made: ${withoutPodName(oneLine(message))}`]
    : [];
}

/** So that a quota that refuses ten pods is one cause. */
function withoutPodName(message: string): string {
  return message.replace(/^Error creating: pods "[^"]*" is forbidden: /, '');
}

function ofClaim(
  { metadata, spec, status }: ClaimObject,
  events: readonly EventObject[],
): string[] {
  if (status?.phase !== 'Pending') return [];
  const why = events.findLast(
    ({ involvedObject: { kind, name } }) =>
      kind === 'PersistentVolumeClaim' && name === metadata.name,
  );
  const storage = spec?.storageClassName ?? 'the default';
  return [
    `volume ${metadata.name} (storage class ${storage}) is not there yet: ${oneLine(why?.message ?? 'nobody has made it')}`,
  ];
}

function oneLine(text = 'no reason given'): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

/** What a log says last, before frames of a stack. */
function lastWords(text = ''): string {
  const lines = text.trim().split('\n');
  const line = lines.findLast((one) => !/^\s*(\d+: 0x|at |---|$)/.test(one));
  return line === undefined ? 'its log says nothing' : messageOf(line);
}

/** Of a line of berth's log what it says, of others all. */
function messageOf(line: string): string {
  try {
    const { message, error } = JSON.parse(line) as {
      readonly message?: string;
      readonly error?: { readonly message?: string };
    };
    return error?.message ?? message ?? line;
  } catch {
    return line;
  }
}
