import type { JSX } from 'preact';

/** A labelled number of a form; `NaN` while nothing is written. */
export function NumberField(props: {
  readonly label: string;
  readonly hint?: string;
  readonly name: string;
  readonly value: number;
  /** Only counts, from 1. @defaultValue false */
  readonly isCount?: boolean;
  readonly onInput: (value: number) => void;
}): JSX.Element {
  const { label, hint, name, value, isCount = false, onInput } = props;
  return (
    <label class="field">
      <span>
        {label}
        {hint !== undefined && <em> {hint}</em>}
      </span>
      <input
        name={name}
        type="number"
        step={isCount ? '1' : 'any'}
        min={isCount ? '1' : '0'}
        value={Number.isNaN(value) ? '' : value}
        onInput={(event) => onInput(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}
