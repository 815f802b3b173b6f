import { signal } from '@preact/signals';

const key = 'berth-token';

/** Set while a dialog asks for the token; called with what was typed, or null when it was closed. */
export const tokenQuestion = signal<((token: string | null) => void) | null>(null);

/** The token for writes, kept for this browser tab. */
export function readToken(): string | null {
  return sessionStorage.getItem(key);
}

export function forgetToken(): void {
  sessionStorage.removeItem(key);
}

/** Asks the person at the page for the token. @returns whether one was given */
export async function askToken(): Promise<boolean> {
  const token = await new Promise<string | null>((resolve) => {
    tokenQuestion.value = resolve;
  });
  tokenQuestion.value = null;
  if (token === null) return false;
  sessionStorage.setItem(key, token);
  return true;
}
