import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { tokenQuestion } from '../api/token.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

/** Asks once per browser tab for the token. */
export function TokenDialog(): JSX.Element | null {
  const text = useSignal('');
  const question = tokenQuestion.value;
  if (question === null) return null;
  const answer = (token: string | null): void => {
    text.value = '';
    question.answer(token);
  };
  return (
    <Dialog title="This cluster asks for a token" onClose={() => answer(null)}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.value.trim() !== '') answer(text.value.trim());
        }}
      >
        {question.isAgain && <p role="alert">The coordinator does not take that token.</p>}
        <p class="muted">
          Open the link that <code>berth up</code> or <code>berth train</code> printed, or enter the
          token: the coordinator's <code>BERTH_API_TOKEN</code>, or what is in{' '}
          <code>.berth/api-token</code>. It is kept for this browser tab only.
        </p>
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            autofocus
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
