import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { FineTuning } from '@berth/contracts/constants';
import { Button } from '../components/button.tsx';
import { NumberField } from '../components/number-field.tsx';
import { Command } from '../components/parts.tsx';
import { TextField } from '../components/text-field.tsx';
import { kindWords } from '../fine-tuning-facts.ts';
import { checkpoints, openRun, runs } from '../state/live.ts';
import { toast } from '../state/toasts.ts';
import {
  columnsOf,
  configOfFineTune,
  fineTuneFieldsOf,
  hasLabels,
  problemOfFineTune,
  type FineTuneFields,
} from './fine-tune-config.ts';
import { SizeFields } from './size-fields.tsx';
import { useSubmit } from './use-submit.ts';
import { yamlOf } from './yaml.ts';

/** Starts a fine-tuning, or shows its run file to go on with by hand. */
export function FineTuneForm(props: {
  readonly onClose: () => void;
  readonly from: string;
}): JSX.Element {
  const { onClose, from } = props;
  const fields = useSignal<FineTuneFields>(fineTuneFieldsOf(from));
  const isYaml = useSignal(false);
  const { isBusy, refusal, forget, submit } = useSubmit(onClose);
  const set = (patch: Partial<FineTuneFields>): void => {
    fields.value = { ...fields.value, ...patch };
    forget();
  };
  const problem = problemOfFineTune(fields.value);
  const config = configOfFineTune(fields.value);
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === undefined) void submit(config);
      }}
    >
      {isYaml.value ? (
        <RunFile text={yamlOf(config)} />
      ) : (
        <Fields fields={fields.value} set={set} />
      )}
      {refusal !== null && (
        <p class="form-error" role="alert">
          {refusal}
        </p>
      )}
      <div class="dialog-actions">
        <span class="form-sum">
          <Button look="quiet" name="show-yaml" onClick={() => (isYaml.value = !isYaml.value)}>
            {isYaml.value ? 'Back to the form' : 'Show as YAML'}
          </Button>
        </span>
        <Button
          type="submit"
          look="primary"
          icon="play"
          name="start-run"
          disabledReason={problem}
          isBusy={isBusy}
        >
          Start run
        </Button>
      </div>
    </form>
  );
}

/** The same as a file, for all that the form does not ask for. */
function RunFile({ text }: { text: string }): JSX.Element {
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => toast('good', 'Copied to the clipboard'),
      () => toast('bad', 'The browser does not let this page copy; select the text instead'),
    );
  };
  return (
    <>
      <div class="run-file">
        <pre tabIndex={0}>{text}</pre>
        <Button icon="copy" look="quiet" onClick={copy}>
          Copy
        </Button>
      </div>
      <p class="muted">
        The form cannot say all of it: class weights, a grid of settings, a start from scratch
        (without init, with a vocabulary.path) and the other keys of docs/config.md go into the
        file. Then:
      </p>
      <Command text="berth finetune run.yaml" />
    </>
  );
}

function Fields({
  fields,
  set,
}: {
  readonly fields: FineTuneFields;
  readonly set: (patch: Partial<FineTuneFields>) => void;
}): JSX.Element {
  const { kind } = fields;
  const columns = columnsOf(kind);
  return (
    <>
      <div class="fields">
        <TextField
          label="Begins with"
          name="from"
          value={fields.from}
          hint="a run, RUN@STEP, a model"
          offers={offeredModels()}
          onInput={(from) => set({ from })}
        />
        <TextField
          label="Name"
          name="name"
          value={fields.name}
          hint="lower-case letters, digits, hyphens"
          onInput={(name) => set({ name })}
        />
        <fieldset class="field full">
          <legend>What it learns</legend>
          <div class="choices kinds">
            {(Object.keys(kindWords) as FineTuning['kind'][]).map((name) => (
              <label key={name} class={kind === name ? 'choice chosen' : 'choice'}>
                <input
                  type="radio"
                  name="kind"
                  value={name}
                  checked={kind === name}
                  onChange={() => set({ kind: name })}
                />
                <strong>{name}</strong>
                <span>{kindWords[name]}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <div class="field full">
          <TextField
            label="Training file"
            name="train"
            value={fields.train}
            hint={`${filesOf(kind)}, as the workers see it`}
            onInput={(train) => set({ train })}
          />
        </div>
        <div class="field full">
          <TextField
            label="Evaluation file"
            name="eval"
            value={fields.eval}
            hint="left empty: a tenth of the training file is held out"
            onInput={(value) => set({ eval: value })}
          />
        </div>
        <NumberField
          label="Epochs"
          name="numEpochs"
          value={fields.numEpochs}
          onInput={(numEpochs) => set({ numEpochs })}
        />
        <SizeFields sizes={fields} set={set} />
      </div>
      {(columns.length > 0 || hasLabels(kind)) && (
        <details class="form-more">
          <summary>{hasLabels(kind) ? 'Labels and columns' : 'Columns'}, if not the usual</summary>
          <div class="fields">
            {hasLabels(kind) && (
              <div class="field full">
                <TextField
                  label="Labels"
                  name="labels"
                  value={fields.labels}
                  hint="with commas, in their order; left empty: those of the training file"
                  onInput={(labels) => set({ labels })}
                />
              </div>
            )}
            {columns.map(({ name, holds }) => (
              <TextField
                key={name}
                label={`Column of the ${holds}`}
                name={`column-${name}`}
                value={fields.columns[name] ?? ''}
                onInput={(value) => set({ columns: { ...fields.columns, [name]: value } })}
              />
            ))}
          </div>
        </details>
      )}
    </>
  );
}

function filesOf(kind: FineTuning['kind']): string {
  switch (kind) {
    case 'answer':
      return '.json as SQuAD, .jsonl or .parquet';
    case 'tag':
      return '.conll, .jsonl or .parquet';
    case 'classify':
    case 'classify-many':
    case 'regress':
      return '.jsonl, .csv, .tsv or .parquet';
  }
}

/** Runs with a checkpoint, and those of the run whose page is open one by one. */
function offeredModels(): string[] {
  const open = openRun.value?.run.runId;
  const steps = (checkpoints.value ?? [])
    .filter(({ isAbandoned, validity }) => !isAbandoned && validity === 'complete')
    .map(({ step }) => `${open}@${step}`);
  const names = (runs.value ?? [])
    .filter(({ checkpointStep }) => checkpointStep !== null)
    .map(({ run }) => run.runId);
  return [...new Set([...steps, ...names])];
}
