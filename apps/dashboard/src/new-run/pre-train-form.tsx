import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api, type Preset } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { NumberField } from '../components/number-field.tsx';
import { TextField } from '../components/text-field.tsx';
import { configOfForm, formOfPreset, problemOf, publishedSizes, type RunForm } from './run-form.ts';
import { SizeFields } from './size-fields.tsx';
import { useSubmit } from './use-submit.ts';

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

/** Starts a pre-training; the rest of its config is the preset's. */
export function PreTrainForm({ onClose }: { onClose: () => void }): JSX.Element {
  const form = useSignal<RunForm>(emptyForm);
  const { isBusy, refusal, forget, submit } = useSubmit(onClose);
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
        // Those of fine-tunings ask for other things.
        presets.value = known.filter(({ config }) => config.task === undefined);
        return choose(presets.value);
      });
  }, []);
  const set = (patch: Partial<RunForm>): void => {
    form.value = { ...form.value, ...patch };
    forget();
  };
  const problem = problemOf(form.value);
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        const preset = presets.value?.find(({ name }) => name === form.value.preset);
        if (problem === undefined) void submit(configOfForm(form.value, preset));
      }}
    >
      <FormFields form={form.value} set={set} />
      {refusal !== null && (
        <p class="form-error" role="alert">
          {refusal}
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
          isBusy={isBusy}
        >
          Start run
        </Button>
      </div>
    </form>
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
      <TextField
        label="Name"
        name="name"
        value={form.name}
        onInput={(name) => set({ name })}
        hint="lower-case letters, digits, hyphens"
      />
      <div class="field full">
        <TextField
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
          {publishedSizes.map(({ name, numLayers, hiddenSize }) => (
            <label key={name} class={form.model === name ? 'choice chosen' : 'choice'}>
              <input
                type="radio"
                name="model"
                value={name}
                checked={form.model === name}
                onChange={() => set({ model: name })}
              />
              <strong>{name}</strong>
              <span>
                {numLayers} × {hiddenSize}
              </span>
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
      <SizeFields sizes={form} set={set} />
    </div>
  );
}

function sumUp({ numSteps, globalBatch }: RunForm): string {
  const examples = numSteps * globalBatch;
  return Number.isFinite(examples) ? `${examples.toLocaleString('en-US')} examples in all` : '';
}
