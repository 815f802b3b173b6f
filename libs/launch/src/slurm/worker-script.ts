import { arrayName, scriptStart, type JobOptions } from './job-parts.ts';
import { quote } from './quote.ts';

/** What the tasks of a run's job array are told. */
export interface WorkerScriptOptions extends JobOptions {
  /** Indexes of the tasks, as sbatch has them: `0-3` or `2,5`. */
  readonly array: string;
  /** Starts a worker: a program and its arguments. */
  readonly command: readonly string[];
  /** Apptainer image that it is started in. */
  readonly image?: string | undefined;
  readonly numThreads: number;
}

/**
 * The batch script of a run's job array: each task is one worker, which a pre-emption or its time limit takes alone. A worker that
 * was drained is requeued, one that ends with 0 is done, and for any other end the task fails with the reason as its comment.
 * @throws BerthError `USAGE` as `directives`
 */
export function workerScript(options: WorkerScriptOptions): string {
  const { runName, array, sharedFolder, image, resources, numThreads, command } = options;
  const inContainer =
    image === undefined
      ? []
      : [
          'apptainer',
          'exec',
          ...(resources.numGpus === 0 ? [] : ['--nv']),
          '--bind',
          sharedFolder,
          image,
        ];
  return [
    scriptStart(options, {
      name: arrayName(runName),
      own: [`--array=${array}`],
      about: `Each task is one worker of the run ${runName}.`,
    }),
    `worker=(${[...inContainer, ...command].map(quote).join(' ')})`,
    `export BERTH_NUM_THREADS=${numThreads}`,
    body,
  ].join('\n');
}

const pollSeconds = 15;

const body = `export BERTH_WORKER_RUN=$run BERTH_ENGINE=slurm BERTH_PEER_HOST=$address
export BERTH_WORKER_NAME=slurm-$task-\${SLURM_RESTART_COUNT:-0}
unset BERTH_FOLDER BERTH_API_TOKEN

# The coordinator may have been requeued to another node.
moved=''
move() {
  moved=yes
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap move USR2

reason() {
  line=$(tail -n 50 "$output" | grep '"message":"The worker ends' | tail -n 1)
  why=$(printf %s "$line" | sed -nE 's/.*"error":\\{"code":"[^"]*","message":"(([^"\\\\]|\\\\.)*)".*/\\1/p')
  [ -n "$why" ] || why=$(printf %s "$line" | sed -nE 's/.*"message":"The worker ends: (([^"\\\\]|\\\\.)*)".*/\\1/p')
  echo "\${why:-see $output}"
}

while :; do
  waited=0
  until [ -s "$variables" ]; do
    [ -z "$asked" ] || requeue
    [ "$waited" -lt "$head_timeout" ] || fail "no coordinator has written $variables within $waited s" 75
    sleep 1
    waited=$((waited + 1))
  done
  known=$(cksum <"$variables")
  set -a
  . "$variables"
  set +a
  moved=''
  "\${worker[@]}" &
  child=$!
  [ -z "$asked" ] || kill -TERM "$child"
  (
    while sleep ${pollSeconds}; do
      [ ! -s "$variables" ] || [ "$(cksum <"$variables")" = "$known" ] || kill -USR2 $$
    done
  ) &
  watcher=$!
  # A trapped signal ends a wait before the worker has ended.
  while kill -0 "$child" 2>/dev/null; do wait "$child"; done
  wait "$child"
  code=$?
  child=''
  kill "$watcher" 2>/dev/null
  # Where a call to the device did not end in time.
  [ "$code" != 143 ] && { [ "$code" != 137 ] || [ -z "$asked$moved" ]; } || code=75
  case $code in
    0) exit 0 ;;
    75)
      [ -z "$moved" ] || [ -n "$asked" ] || continue
      [ -n "$asked" ] || note "starts again: $(reason)"
      requeue
      ;;
    *) fail "the worker ended with code $code: $(reason)" "$code" ;;
  esac
done
`;
