import { ask, requestMs, type Cloud, type Notice } from './cloud.ts';

/** A pre-empted machine is stopped 30 s later. */
const preemptedMs = 30_000;
const longPollSeconds = 60;

/**
 * Compute Engine: pre-emption, and maintenance that ends the machine. Each is waited for with one request that the server
 * answers when there is news. A live migration is no notice.
 */
export function createGce(endpoint = 'http://metadata.google.internal'): Cloud {
  const headers = { 'metadata-flavor': 'Google' };
  const urlOf = (path: string): URL => new URL(`/computeMetadata/v1/instance/${path}`, endpoint);

  const until = async (
    path: string,
    noticeOf: (value: string) => Notice | undefined,
    signal: AbortSignal,
  ): Promise<Notice> => {
    for (let etag: string | undefined; ;) {
      const url = urlOf(path);
      if (etag !== undefined) {
        url.searchParams.set('wait_for_change', 'true');
        url.searchParams.set('timeout_sec', String(longPollSeconds));
        url.searchParams.set('last_etag', etag);
      }
      const waitMs = etag === undefined ? 0 : longPollSeconds * 1_000;
      const response = await ask(url, { headers, signal, timeoutMs: waitMs + requestMs });
      if (!response.ok)
        throw new Error(`the metadata server answered ${path} with HTTP ${response.status}`);
      const notice = noticeOf((await response.text()).trim());
      if (notice !== undefined) return notice;
      etag = response.headers.get('etag') ?? undefined;
      if (etag === undefined) throw new Error(`the metadata server gave no ETag with ${path}`);
    }
  };

  return {
    name: 'gce',
    isThere: () =>
      ask(urlOf('preempted'), { headers }).then(
        async (response) => {
          await response.body?.cancel();
          return response.ok && response.headers.get('metadata-flavor') === 'Google';
        },
        () => false,
      ),
    async watch(signal) {
      const either = new AbortController();
      const both = AbortSignal.any([signal, either.signal]);
      try {
        return await Promise.race([
          until('preempted', preempted, both),
          until('maintenance-event', maintained, both),
        ]);
      } finally {
        either.abort();
      }
    },
  };
}

function preempted(value: string): Notice | undefined {
  return value === 'TRUE'
    ? { reason: 'Google Cloud pre-empts this machine', withinMs: preemptedMs }
    : undefined;
}

function maintained(value: string): Notice | undefined {
  return value === 'TERMINATE_ON_HOST_MAINTENANCE'
    ? { reason: 'Google Cloud ends this machine for maintenance of its host' }
    : undefined;
}
