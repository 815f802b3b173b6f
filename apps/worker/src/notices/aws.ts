import { setTimeout as sleep } from 'node:timers/promises';
import { ask, fromNow, textsOf, type Cloud, type Notice } from './cloud.ts';

/** As often as Amazon advises. */
const pollMs = 5_000;
const tokenTtlSeconds = 21_600;

/**
 * EC2: spot interruptions, two minutes ahead, and recommendations to rebalance, by version 2 of its metadata service. A
 * recommendation that stands when this begins is no news: whoever was started again on such a machine would never work.
 */
export function createAws(endpoint = 'http://169.254.169.254', intervalMs = pollMs): Cloud {
  const sinceMs = Date.now();
  let token: string | undefined;

  const newToken = async (signal?: AbortSignal): Promise<string | undefined> => {
    const response = await ask(new URL('/latest/api/token', endpoint), {
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(tokenTtlSeconds) },
      ...(signal && { signal }),
    });
    return response.ok ? response.text() : undefined;
  };

  /** @returns undefined while the server has nothing there */
  const read = async (path: string, signal: AbortSignal): Promise<unknown> => {
    for (let isAgain = false; ; isAgain = true) {
      token ??= await newToken(signal);
      const response = await ask(new URL(`/latest/meta-data/${path}`, endpoint), {
        headers: { 'x-aws-ec2-metadata-token': token ?? '' },
        signal,
      });
      if (response.ok) return response.json();
      await response.body?.cancel();
      if (response.status === 404) return undefined;
      if (response.status !== 401 || isAgain)
        throw new Error(`the metadata service answered ${path} with HTTP ${response.status}`);
      token = undefined; // It has expired.
    }
  };

  const look = async (signal: AbortSignal): Promise<Notice | undefined> => {
    const { action, time } = textsOf(await read('spot/instance-action', signal), 'action', 'time');
    if (action !== undefined)
      return withTime(`AWS is about to ${action} this spot instance`, time && fromNow(time));
    const recommended = await read('events/recommendations/rebalance', signal);
    const { noticeTime } = textsOf(recommended, 'noticeTime');
    const isNews = noticeTime !== undefined && Date.parse(noticeTime) >= sinceMs;
    return isNews ? { reason: 'AWS recommends to leave this spot instance' } : undefined;
  };

  return {
    name: 'aws',
    isThere: async () => {
      token = await newToken().catch(() => undefined);
      return token !== undefined && token !== '';
    },
    async watch(signal) {
      for (;;) {
        const notice = await look(signal);
        if (notice !== undefined) return notice;
        await sleep(intervalMs, undefined, { signal, ref: false });
      }
    },
  };
}

function withTime(reason: string, withinMs: number | string | undefined): Notice {
  return typeof withinMs === 'number' ? { reason, withinMs } : { reason };
}
