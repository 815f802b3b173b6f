import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { tokenQuestion } from '../api/token.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

/** Asks once per browser tab for the token that changes need. */
export function TokenDialog(): JSX.Element | null {
  const text = useSignal('');
  const answer = tokenQuestion.value;
  if (answer === null) return null;
  return (
    <Dialog title="This cluster asks for a token" onClose={() => answer(null)}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.value.trim() !== '') answer(text.value.trim());
        }}
      >
        <p class="muted">
          Reading is open; changes need the token that the coordinator was started with (
          <code>BERTH_TOKEN</code>). It is kept for this browser tab only.
        </p>
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            autocomplete="off"
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </label>
        <div class="dialog-actions">
          <Button
            type="submit"
            look="primary"
            disabledReason={text.value.trim() === '' ? 'Enter the token first' : undefined}
          >
            Continue
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
