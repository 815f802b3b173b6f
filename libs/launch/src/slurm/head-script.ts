import { arrayName, headName, scriptStart, sharedFiles, type JobOptions } from './job-parts.ts';
import { quote } from './quote.ts';

export interface HeadScriptOptions extends JobOptions {
  /** Starts the `berth` command: a program and its arguments. */
  readonly command: readonly string[];
}

/**
 * The batch script of the job that has Redis, the bucket and the coordinator of a run, submits the run, and ends when it is complete.
 * It leaves the addresses and secrets in the shared folder; requeued, it goes on with the same data.
 * @throws BerthError `USAGE` as `directives`
 */
export function headScript(options: HeadScriptOptions): string {
  const { runName, command } = options;
  return [
    scriptStart(options, {
      name: headName(runName),
      own: [],
      about: `Redis, the bucket and the coordinator of the run ${runName}.`,
    }),
    `array=${quote(arrayName(runName))}`,
    `berth=(${command.map(quote).join(' ')})`,
    body,
  ].join('\n');
}

const leaveSeconds = 60;

const body = `export BERTH_FOLDER=$shared/${sharedFiles.cluster}
unset BERTH_COORDINATOR_URL
client=$shared/${sharedFiles.clientVariables}
rm -f "$variables" "$client" "$BERTH_FOLDER/join.env" "$BERTH_FOLDER/client.env"

reason() { tail -n 50 "$output" | sed -n 's/^error: //p' | tail -n 1; }

"\${berth[@]}" up --workers 0 --port 0 --reach "$address" &
up=$!
close() {
  kill -TERM "$up" 2>/dev/null
  while kill -0 "$up" 2>/dev/null; do wait "$up"; done
}

waited=0
until [ -s "$BERTH_FOLDER/join.env" ]; do
  kill -0 "$up" 2>/dev/null || fail "the coordinator did not start: $(reason)" 1
  [ -z "$asked" ] || { close; requeue; }
  [ "$waited" -lt "$head_timeout" ] || { close; fail "the coordinator was not there within $waited s" 1; }
  sleep 1
  waited=$((waited + 1))
done
publish() { cp "$1" "$2.new" && mv "$2.new" "$2"; }
publish "$BERTH_FOLDER/client.env" "$client" && publish "$BERTH_FOLDER/join.env" "$variables" ||
  { close; fail "$variables cannot be written" 1; }

"\${berth[@]}" train "$shared/${sharedFiles.runFile}" --if-needed &
child=$!
[ -z "$asked" ] || kill -TERM "$child"
# A trapped signal ends a wait before what it waits for.
while kill -0 "$child" 2>/dev/null && kill -0 "$up" 2>/dev/null; do wait -n "$child" "$up"; done
if ! kill -0 "$up" 2>/dev/null; then
  kill -TERM "$child" 2>/dev/null
  [ -z "$asked" ] || requeue
  fail "the coordinator ended: $(reason)" 1
fi
wait "$child"
code=$?
child=''
if [ -n "$asked" ]; then
  close
  requeue
fi

# Tasks that still wait for a node have nothing left to do; the others see the end of the run by themselves.
scancel --user="$(id -un)" --name="$array" --state=PENDING
waited=0
while [ "$waited" -lt ${leaveSeconds} ] && [ -n "$(squeue --noheader --user="$(id -un)" --name="$array" --states=RUNNING)" ]; do
  sleep 1
  waited=$((waited + 1))
done
close
[ "$code" = 0 ] || fail "the run did not end well: $(reason)" "$code"
`;
