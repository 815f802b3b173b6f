import { directives, type SlurmResources } from './directives.ts';
import { quote } from './quote.ts';

/** What every job of a run is told. */
export interface JobOptions {
  readonly runName: string;
  /** Folder that all nodes share, for its owner only. */
  readonly sharedFolder: string;
  /** What its file `marker` holds, by which a job knows that it sees the very folder. */
  readonly marker: string;
  /** How long before its time limit a job is told to leave. */
  readonly graceMs: number;
  /** How long the coordinator may take until others know where it is. */
  readonly headTimeoutMs: number;
  readonly resources: SlurmResources;
}

/** Names by which the jobs of a run are found again. */
export const arrayName = (runName: string): string => `berth-${runName}`;
export const headName = (runName: string): string => `berth-head-${runName}`;

/** Where in the shared folder is what. */
export const sharedFiles = {
  marker: 'marker',
  runFile: 'run.json',
  headScript: 'head.sh',
  workersScript: 'workers.sh',
  secrets: 'secrets',
  logs: 'logs',
  /** Variables of workers, and of whoever looks at the run. */
  workerVariables: 'secrets/worker.env',
  clientVariables: 'secrets/client.env',
  /** Data of the embedded services. */
  cluster: 'cluster',
} as const;

/** Both kinds of jobs, up to what they are for. @throws BerthError `USAGE` as `directives` */
export function scriptStart(
  options: JobOptions,
  { name, own, about }: { name: string; own: readonly string[]; about: string },
): string {
  const { runName, sharedFolder, marker, graceMs, headTimeoutMs } = options;
  const all = [
    `--job-name=${name}`,
    ...own,
    '--ntasks=1',
    '--requeue',
    '--open-mode=append',
    `--signal=B:TERM@${Math.ceil(graceMs / 1000)}`,
    // Opened before the script can say that the folder is not there; it opens a file in the folder itself.
    '--output=/dev/null',
  ];
  return [
    '#!/bin/bash',
    ...directives(options.resources, all),
    `# Made by berth. ${about}`,
    `run=${quote(runName)}`,
    `shared=${quote(sharedFolder)}`,
    `marker=${quote(marker)}`,
    `head_timeout=${Math.ceil(headTimeoutMs / 1000)}`,
    preamble,
  ].join('\n');
}

const maxSkewSeconds = 120;

const preamble = `umask 077
node=\${SLURMD_NODENAME:-$(hostname)}
task=$SLURM_JOB_ID
[ -z "$SLURM_ARRAY_TASK_ID" ] || task=$SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID
variables=$shared/${sharedFiles.workerVariables}
output=$shared/${sharedFiles.logs}/$task.out
child='' asked=''

# A line where Slurm shows it too: squeue --format %k, scontrol show job.
note() {
  echo "berth: $task on $node: $1" >&2
  scontrol update "JobId=$task" "Comment=berth: $node: \${1:0:250}" >/dev/null 2>&1
}
fail() {
  trap '' TERM USR1 USR2
  note "$1"
  exit "$2"
}

# TERM: pre-empted, or near the time limit. USR1: not wanted any more.
leave() {
  asked=$1
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap 'leave again' TERM
trap 'leave for-good' USR1

# While Slurm still takes the job for a running one, requeuing it is up to us; later Slurm has decided itself.
requeue() {
  [ "$asked" != for-good ] || exit 0
  trap '' TERM USR1 USR2
  [ "$(squeue --noheader --jobs "$task" --format %T 2>/dev/null)" != RUNNING ] ||
    scontrol requeue "$task" || fail "Slurm does not requeue it" 75
  exit 75
}

[ "$(cat "$shared/${sharedFiles.marker}" 2>/dev/null)" = "$marker" ] ||
  fail "$shared is not what it was where the run was launched: put it on a file system that all nodes share (--shared)" 2
wide=$(find "$shared" "$shared/${sharedFiles.secrets}" "$variables" -maxdepth 0 -perm /077 2>/dev/null | head -n 1)
[ -z "$wide" ] || fail "$wide is open to other users: chmod go-rwx it" 2
exec >>"$output" 2>&1 || fail "$output cannot be written" 2
echo "berth: $task on $node, restart \${SLURM_RESTART_COUNT:-0}"

# The folder's server has one clock for all. Requests to the bucket are refused when clocks differ by a quarter of an hour.
: >"$output.clock"
skew=$(($(date +%s) - $(stat --format %Y "$output.clock")))
rm -f "$output.clock"
[ "\${skew#-}" -le ${maxSkewSeconds} ] || fail "its clock differs by $skew s from that of $shared: set it, as by NTP" 2

# Where Slurm itself reaches this node. On a node its own name may lead to loopback.
address=$(scontrol show node --oneliner "$node" 2>/dev/null | sed -nE 's/.* NodeAddr=([^ ]*).*/\\1/p')
address=$(getent ahostsv4 "\${address:-$node}" | awk '{ print $1; exit }')
case $address in '' | 127.0.1.*) address=$(hostname -I | awk '{ print $1 }') ;; esac
`;
