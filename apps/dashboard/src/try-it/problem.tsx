import type { JSX } from 'preact';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';

/** What goes by itself, or by another try. */
const passing: ReadonlySet<string> = new Set([
  'INFERENCE_BUSY',
  'INFERENCE_UNAVAILABLE',
  'WORKER_TIMEOUT',
  'WORKER_LOST',
  'UNREACHABLE',
  'QUEUE_UNREACHABLE',
  'STORE_UNREACHABLE',
  'CHECKPOINT_NOT_FOUND',
  'REQUEST_TOO_FREQUENT',
]);

/** Why there is no answer, in the server's words. */
export function Problem({
  error: { code, message },
  onAgain,
}: {
  readonly error: { readonly code: string; readonly message: string };
  readonly onAgain: () => void;
}): JSX.Element {
  return (
    <div class="card try-problem" role="alert" data-code={code}>
      <Icon name="warning" />
      <p>{message}</p>
      {passing.has(code) && (
        <Button icon="retry" name="ask-again" onClick={onAgain}>
          Ask again
        </Button>
      )}
    </div>
  );
}
