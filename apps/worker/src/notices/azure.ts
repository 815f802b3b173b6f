import { setTimeout as sleep } from 'node:timers/promises';
import { ask, fromNow, textsOf, type Cloud, type Notice } from './cloud.ts';

/** A spot machine has 30 s from the notice. */
const pollMs = 2_000;
/** The first question of a machine turns the service on, which may take two minutes. */
const firstMs = 150_000;

/** What takes the machine, or its memory, away. `Freeze` is a pause of seconds. */
const endings: Readonly<Record<string, string>> = {
  Preempt: 'pre-empts',
  Terminate: 'ends',
  Redeploy: 'moves',
  Reboot: 'restarts',
};

/** Azure: scheduled events that end this machine; those of others of its scale set stand in the same list. */
export function createAzure(endpoint = 'http://169.254.169.254', intervalMs = pollMs): Cloud {
  const headers = { metadata: 'true' };
  const nameUrl = new URL(
    '/metadata/instance/compute/name?api-version=2021-02-01&format=text',
    endpoint,
  );
  const eventsUrl = new URL('/metadata/scheduledevents?api-version=2020-07-01', endpoint);
  const read = async (url: URL, signal?: AbortSignal, timeoutMs?: number): Promise<Response> => {
    const response = await ask(url, {
      headers,
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new Error(`the metadata service answered ${url.pathname} with HTTP ${response.status}`);
  };

  return {
    name: 'azure',
    isThere: () =>
      read(nameUrl)
        .then((response) => response.text())
        .then(
          (name) => name !== '',
          () => false,
        ),
    async watch(signal) {
      const machine = (await (await read(nameUrl, signal)).text()).trim();
      for (let timeoutMs: number | undefined = firstMs; ; timeoutMs = undefined) {
        const document: unknown = await (await read(eventsUrl, signal, timeoutMs)).json();
        const notice = noticeFor(machine, document);
        if (notice !== undefined) return notice;
        await sleep(intervalMs, undefined, { signal, ref: false });
      }
    },
  };
}

/** The first event in the service's document that takes a machine away. */
function noticeFor(machine: string, document: unknown): Notice | undefined {
  for (const event of listAt(document, 'Events')) {
    const { EventType = '', NotBefore = '' } = textsOf(event, 'EventType', 'NotBefore');
    const verb = Object.hasOwn(endings, EventType) ? endings[EventType] : undefined;
    if (verb === undefined || !listAt(event, 'Resources').includes(machine)) continue;
    const reason = `Azure ${verb} this machine (${EventType})`;
    const withinMs = fromNow(NotBefore);
    return withinMs === undefined ? { reason } : { reason, withinMs };
  }
  return undefined;
}

function listAt(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const list = (value as Readonly<Record<string, unknown>>)[name];
  return Array.isArray(list) ? (list as readonly unknown[]) : [];
}
