import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api, ApiError, type Preset } from '../api/client.ts';
import { navigate, pathOfRun } from '../router.ts';
import { takeReport } from '../state/live.ts';
import { toast } from '../state/toasts.ts';
import { configOfForm, formOfPreset, modelNames, problemOf, type RunForm } from '../run-form.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { NumberField } from './number-field.tsx';

const presets = signal<readonly Preset[] | null>(null);

const emptyForm: RunForm = {
  preset: '',
  name: '',
  corpus: '',
  model: 'mini',
  numSteps: 1000,
  numWorkers: 2,
  globalBatch: 32,
  learningRate: 0.0005,
};

/** A form that starts a run; the rest of its config is the preset's. */
export function NewRunDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const form = useSignal<RunForm>(emptyForm);
  const refusal = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  useEffect(() => {
    const choose = (known: readonly Preset[]): void => {
      const first = known.find(({ name }) => name === 'demo') ?? known[0];
      if (first !== undefined) form.value = formOfPreset(first);
    };
    if (presets.value !== null) return choose(presets.value);
    void api
      .presets()
      .catch(() => [])
      .then((known) => {
        presets.value = known;
        return choose(known);
      });
  }, []);
  const set = (patch: Partial<RunForm>): void => {
    form.value = { ...form.value, ...patch };
    refusal.value = null;
  };
  const submit = async (): Promise<void> => {
    isBusy.value = true;
    const preset = presets.value?.find(({ name }) => name === form.value.preset);
    try {
      const report = await api.submit(configOfForm(form.value, preset));
      takeReport(report);
      onClose();
      toast('good', `${report.run.config.name} is queued`);
      navigate(pathOfRun(report.run.runId));
    } catch (error) {
      refusal.value = error instanceof ApiError ? error.message : String(error);
    }
    isBusy.value = false;
  };
  const problem = problemOf(form.value);
  return (
    <Dialog title="New run" onClose={onClose} isWide>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (problem === undefined && !isBusy.value) void submit();
        }}
      >
        <FormFields form={form.value} set={set} />
        {refusal.value !== null && (
          <p class="form-error" role="alert">
            {refusal.value}
          </p>
        )}
        <div class="dialog-actions">
          <span class="muted form-sum">{sumUp(form.value)}</span>
          <Button
            type="submit"
            look="primary"
            icon="play"
            name="start-run"
            disabledReason={problem}
            isBusy={isBusy.value}
          >
            Start run
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface FieldsProps {
  readonly form: RunForm;
  readonly set: (patch: Partial<RunForm>) => void;
}

function FormFields({ form, set }: FieldsProps): JSX.Element {
  const known = presets.value ?? [];
  return (
    <div class="fields">
      <label class="field">
        <span>Start from</span>
        <select
          name="preset"
          value={form.preset}
          onChange={(event) => {
            const preset = known.find(({ name }) => name === event.currentTarget.value);
            if (preset !== undefined) set(formOfPreset(preset));
          }}
        >
          {known.length === 0 && <option value="">Defaults</option>}
          {known.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Text
        label="Name"
        name="name"
        value={form.name}
        onInput={(name) => set({ name })}
        hint="lower-case letters, digits, hyphens"
      />
      <div class="field full">
        <Text
          label="Corpus"
          name="corpus"
          value={form.corpus}
          onInput={(corpus) => set({ corpus })}
          hint="file, directory or glob, as the coordinator sees it"
        />
      </div>
      <fieldset class="field full">
        <legend>Model size</legend>
        <div class="choices">
          {modelNames.map(({ name, shape }) => (
            <label key={name} class={form.model === name ? 'choice chosen' : 'choice'}>
              <input
                type="radio"
                name="model"
                value={name}
                checked={form.model === name}
                onChange={() => set({ model: name })}
              />
              <strong>{name}</strong>
              <span>{shape}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <NumberField
        label="Steps"
        name="numSteps"
        value={form.numSteps}
        onInput={(numSteps) => set({ numSteps })}
      />
      <NumberField
        label="Workers"
        name="numWorkers"
        value={form.numWorkers}
        onInput={(numWorkers) => set({ numWorkers })}
      />
      <NumberField
        label="Examples of a step"
        name="globalBatch"
        value={form.globalBatch}
        onInput={(globalBatch) => set({ globalBatch })}
      />
      <NumberField
        label="Peak learning rate"
        name="learningRate"
        value={form.learningRate}
        onInput={(learningRate) => set({ learningRate })}
      />
    </div>
  );
}

function Text(props: {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly hint: string;
  readonly onInput: (value: string) => void;
}): JSX.Element {
  return (
    <label class="field">
      <span>
        {props.label} <em>{props.hint}</em>
      </span>
      <input
        name={props.name}
        value={props.value}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
    </label>
  );
}

function sumUp({ numSteps, globalBatch }: RunForm): string {
  const examples = numSteps * globalBatch;
  return Number.isFinite(examples) ? `${examples.toLocaleString('en-US')} examples in all` : '';
}
