import type { JSX } from 'preact';

export type Choosable = 'newest' | 'best';

/** The newest checkpoint or the best one, where they differ. */
export function ChooseCheckpoint(props: {
  readonly choice: Choosable;
  readonly isOffered: boolean;
  readonly onChoose: (choice: Choosable) => void;
}): JSX.Element | null {
  const { choice, isOffered, onChoose } = props;
  if (!isOffered) return null;
  return (
    <div class="segments" role="group" aria-label="Which checkpoint is asked">
      {(['newest', 'best'] as const).map((name) => (
        <button
          type="button"
          key={name}
          aria-pressed={choice === name}
          onClick={() => onChoose(name)}
        >
          {name === 'newest' ? 'Newest' : 'Best'}
        </button>
      ))}
    </div>
  );
}
