import type { JSX } from 'preact';

/** A labelled line of text in a form. */
export function TextField(props: {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly hint?: string;
  /** Offered while writing. */
  readonly offers?: readonly string[];
  readonly onInput: (value: string) => void;
}): JSX.Element {
  const { label, name, value, hint, offers, onInput } = props;
  const listId = `offers-${name}`;
  return (
    <label class="field">
      <span>
        {label} {hint !== undefined && <em>{hint}</em>}
      </span>
      <input
        name={name}
        value={value}
        spellcheck={false}
        autocomplete="off"
        list={offers === undefined ? undefined : listId}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {offers !== undefined && (
        <datalist id={listId}>
          {offers.map((offer) => (
            <option key={offer} value={offer} />
          ))}
        </datalist>
      )}
    </label>
  );
}
