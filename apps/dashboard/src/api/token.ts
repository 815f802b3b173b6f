import { signal } from '@preact/signals';

const key = 'berth-token';

/** A token that somebody is asked for. */
export interface TokenQuestion {
  /** Whether the server did not take the one before. */
  readonly isAgain: boolean;
  /** With what was typed, or null when the dialog was closed. */
  readonly answer: (token: string | null) => void;
}

/** Set while a dialog asks for the token. */
export const tokenQuestion = signal<TokenQuestion | null>(null);

/** Changes when another token is known than before. */
export const tokenVersion = signal(0);

/** The token that requests carry, kept for this browser tab. */
export function readToken(): string | null {
  return sessionStorage.getItem(key);
}

/** Takes the token out of a link such as `/runs/mine#token=...`, so that it stays neither in the address nor in the history. */
export function takeTokenFromAddress(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return;
  history.replaceState(history.state, '', location.pathname + location.search);
  keep(token);
}

let asking: Promise<boolean> | undefined;

/**
 * Asks the person at the page for the token, once however many requests lack it.
 * @param refused - what did not let a request in; null for none
 * @returns whether there is another one now
 */
export function askToken(refused: string | null): Promise<boolean> {
  if (readToken() !== refused) return Promise.resolve(true);
  asking ??= ask(refused !== null).finally(() => (asking = undefined));
  return asking;
}

async function ask(isAgain: boolean): Promise<boolean> {
  const token = await new Promise<string | null>((answer) => {
    tokenQuestion.value = { isAgain, answer };
  });
  tokenQuestion.value = null;
  if (token === null) return false;
  keep(token);
  return true;
}

function keep(token: string): void {
  sessionStorage.setItem(key, token);
  tokenVersion.value++;
}
