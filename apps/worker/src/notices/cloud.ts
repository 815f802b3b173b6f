/** What a cloud says: the machine is about to be taken away. */
export interface Notice {
  /** For people. */
  readonly reason: string;
  /** When the machine is taken, from now; undefined when the cloud does not say. */
  readonly withinMs?: number;
}

/** The metadata server of a cloud, which a machine asks about itself. */
export interface Cloud {
  readonly name: CloudName;
  /** True when what answers is the server of this cloud; false also when nothing does. */
  isThere(): Promise<boolean>;
  /**
   * Resolves with the first notice.
   * @throws what asking failed with, and when the signal aborts
   */
  watch(signal: AbortSignal): Promise<Notice>;
}

export const cloudNames = ['aws', 'gce', 'azure'] as const;
export type CloudName = (typeof cloudNames)[number];

/** The server is next to the machine: one that has not answered by then is not there. */
export const requestMs = 2_000;

/** Asks with a deadline, besides the caller's signal. */
export function ask(
  url: URL,
  { signal, timeoutMs = requestMs, ...init }: RequestInit & { readonly timeoutMs?: number } = {},
): Promise<Response> {
  const deadline = AbortSignal.timeout(timeoutMs);
  // A redirect would be no metadata server's.
  return fetch(url, {
    ...init,
    redirect: 'error',
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
  });
}

/** Time from now to a moment that a cloud names; undefined when that is no time. */
export function fromNow(text: string, nowMs = Date.now()): number | undefined {
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs - nowMs;
}

/** Those fields of an answer that are texts. */
export function textsOf<K extends string>(
  value: unknown,
  ...names: readonly K[]
): Partial<Record<K, string>> {
  if (typeof value !== 'object' || value === null) return {};
  const fields = value as Readonly<Record<string, unknown>>;
  const found = names.filter((name) => typeof fields[name] === 'string');
  return Object.fromEntries(found.map((name) => [name, fields[name]])) as Partial<
    Record<K, string>
  >;
}
