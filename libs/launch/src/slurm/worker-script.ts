import { directives, type SlurmResources } from './directives.ts';
import { quote } from './quote.ts';

/** What the tasks of a run's job array are told. */
export interface WorkerScriptOptions {
  readonly runName: string;
  /** Indexes of the tasks, as sbatch has them: `0-3` or `2,5`. */
  readonly array: string;
  /** Folder that all nodes share, for its owner only. */
  readonly sharedFolder: string;
  /** What its file `marker` holds, by which a task knows that it sees the very folder. */
  readonly marker: string;
  /** Starts a worker: a program and its arguments. */
  readonly command: readonly string[];
  /** Apptainer image that it is started in. */
  readonly image?: string | undefined;
  readonly numThreads: number;
  /** How long before its time limit a task is told to leave. */
  readonly graceMs: number;
  /** How long tasks wait for the coordinator's addresses. */
  readonly headTimeoutMs: number;
  readonly resources: SlurmResources;
}

/** The name of a run's job array, by which its tasks are found again. */
const arrayName = (runName: string): string => `berth-${runName}`;

/**
 * The batch script of a run's job array: each task is one worker, which a pre-emption or its time limit takes alone. A worker that
 * was drained is requeued, one that ends with 0 is done, and for any other end the task fails with the reason as its comment.
 * @throws BerthError `USAGE` as `directives`
 */
export function workerScript(options: WorkerScriptOptions): string {
  const { runName, array, sharedFolder, marker, graceMs } = options;
  const own = [
    `--job-name=${arrayName(runName)}`,
    `--array=${array}`,
    '--ntasks=1',
    '--requeue',
    '--open-mode=append',
    `--signal=B:TERM@${Math.ceil(graceMs / 1000)}`,
    // Opened before the script can say that the folder is not there; it opens a file in the folder itself.
    '--output=/dev/null',
  ];
  const inContainer =
    options.image === undefined
      ? []
      : ['apptainer', 'exec', '--bind', sharedFolder, ...nvidia(options), options.image];
  return [
    '#!/bin/bash',
    ...directives(options.resources, own),
    `# Made by berth. Each task is one worker of the run ${runName}.`,
    `shared=${quote(sharedFolder)}`,
    `marker=${quote(marker)}`,
    `head_timeout=${Math.ceil(options.headTimeoutMs / 1000)}`,
    `worker=(${[...inContainer, ...options.command].map(quote).join(' ')})`,
    `export BERTH_WORKER_RUN=${quote(runName)} BERTH_ENGINE=slurm BERTH_NUM_THREADS=${options.numThreads}`,
    body,
  ].join('\n');
}

const nvidia = ({ resources }: WorkerScriptOptions): string[] =>
  resources.numGpus === 0 ? [] : ['--nv'];

const body = String.raw`
id=$SLURM_JOB_ID
task=$SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID
node=$SLURMD_NODENAME
child= asked=

# The reason of a failure is where Slurm shows it too: squeue -o %k, scontrol show job.
fail() {
  echo "berth: task $task on $node: $1" >&2
  scontrol update "JobId=$id" "Comment=berth: $node: $1" >/dev/null 2>&1
  exit "$2"
}

# TERM: pre-empted, or near the time limit. USR1: the array shrinks, and this task with it.
leave() {
  asked=$1
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap 'leave again' TERM
trap 'leave for-good' USR1

# While Slurm still takes the task for running, requeuing it is up to us; later Slurm has decided itself.
requeue() {
  [ "$asked" != for-good ] || exit 0
  [ "$(squeue --noheader --jobs "$id" --format %T 2>/dev/null)" != RUNNING ] || scontrol requeue "$id"
  exit 75
}

[ "$(cat "$shared/marker" 2>/dev/null)" = "$marker" ] ||
  fail "$shared is not the folder that the run was launched with: put it on a file system that all nodes share" 2
wide=$(find "$shared" "$shared/marker" "$shared/secrets" -maxdepth 0 -perm /077 2>/dev/null | head -n 1)
[ -z "$wide" ] || fail "$wide is open to other users: chmod go-rwx it" 2
output=$shared/logs/$task.out
exec >>"$output" 2>&1 || fail "$output cannot be written" 2
echo "berth: task $task on $node, restart ${'${SLURM_RESTART_COUNT:-0}'}"

# Signatures of requests to the bucket are refused when clocks differ by minutes; the folder's server has one clock for all.
: >"$output.clock"
skew=$(($(date +%s) - $(stat --format %Y "$output.clock")))
rm -f "$output.clock"
[ "${'${skew#-}'}" -le 120 ] || fail "the clock of $node differs by $skew s from that of $shared: set it by NTP" 2

waited=0
until [ -s "$shared/secrets/worker.env" ]; do
  [ -z "$asked" ] || requeue
  [ "$waited" -lt "$head_timeout" ] || fail "no coordinator has written $shared/secrets/worker.env within $waited s" 4
  sleep 1
  waited=$((waited + 1))
done
set -a
. "$shared/secrets/worker.env"
set +a

# Where Slurm itself reaches this node; the name of a node may lead to loopback on the node itself.
address=$(scontrol show node --oneliner "$node" | sed -n 's/.* NodeAddr=\([^ ]*\).*/\1/p')
address=$(getent ahostsv4 "${'${address:-$node}'}" | awk '{ print $1; exit }')
case $address in '' | 127.0.1.*) address=$(hostname -I | awk '{ print $1 }') ;; esac
export BERTH_PEER_HOST=$address
export BERTH_WORKER_NAME=slurm-$task-${'${SLURM_RESTART_COUNT:-0}'}

"${'${worker[@]}'}" &
child=$!
[ -z "$asked" ] || kill -TERM "$child"
# A trapped signal ends a wait before the worker has ended.
while kill -0 "$child" 2>/dev/null; do wait "$child"; done
wait "$child"
code=$?
case $code in
  0) echo "berth: the run is complete" ;;
  75) requeue ;;
  *)
    reason=$(tail -n 50 "$output" | sed -n 's/.*"error":{.*"message":"\([^"]*\)".*/\1/p' | tail -n 1)
    fail "the worker ended with code $code${'${reason:+: $reason}'}" "$code"
    ;;
esac
`.slice(1);
