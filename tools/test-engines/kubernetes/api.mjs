import { Agent, request } from 'node:https';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the API server refused. */
class ApiError extends Error {
  /** @param {string} what @param {number} status @param {string} body */
  constructor(what, status, body) {
    const said = messageOf(body);
    super(`${what}: HTTP ${status}: ${said}`);
    this.status = status;
    this.said = said;
  }
}

function messageOf(body) {
  try {
    return JSON.parse(body).message;
  } catch {
    return body.slice(0, 300);
  }
}

const timeoutMs = 30_000;
const maxFailures = 30;

/**
 * The API server as one user sees it.
 * @param {{ url: string, ca: string, token: string }} options
 */
export function connectApi({ url, ca, token }) {
  const agent = new Agent({ ca, keepAlive: true });

  const send = async (method, path, options = {}) => {
    const { body, type = 'application/json', signal } = options;
    const text = body === undefined ? '' : JSON.stringify(body);
    const asked = request(new URL(path, url), {
      method,
      agent,
      signal: signal ?? AbortSignal.timeout(timeoutMs),
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(text !== '' && { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
      },
    });
    asked.end(text);
    try {
      const [response] = await once(asked, 'response');
      return response;
    } catch (error) {
      // The server closed a connection that was kept, before it heard this.
      if (error.code !== 'ECONNRESET' || !asked.reusedSocket) throw error;
      return send(method, path, options);
    }
  };

  const raw = async (method, path, options) => {
    const response = await send(method, path, options);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { ok: response.statusCode < 300, status: response.statusCode, text };
  };

  const ask = async (method, path, options) => {
    const { ok, status, text } = await raw(method, path, options);
    if (!ok) throw new ApiError(`${method} ${path}`, status, text);
    return JSON.parse(text);
  };

  return {
    raw,
    get: (path) => ask('GET', path),
    create: (path, body) => ask('POST', path, { body }),
    replace: (path, body) => ask('PUT', path, { body }),
    patch: (path, body) =>
      ask('PATCH', path, { body, type: 'application/strategic-merge-patch+json' }),
    remove: (path, body) => ask('DELETE', path, { body }),
    /**
     * Everything of a collection and every change of it from then on, until the signal aborts. Begins again where the server ends a watch.
     * @throws Error if it cannot be begun for long
     * @param {string} path
     * @param {string} query - `fieldSelector=…`, or empty
     * @param {(type: string, object: object) => void} seen - type `SYNC` once, with the list, at each beginning
     * @param {AbortSignal} signal
     */
    async watch(path, query, seen, signal) {
      for (let numFailures = 0; !signal.aborted;)
        try {
          const list = await ask('GET', `${path}?${query}`);
          seen('SYNC', list);
          const from = `resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=300`;
          const response = await send('GET', `${path}?${query}&watch=true&${from}`, { signal });
          if (response.statusCode !== 200)
            throw new ApiError(`watch ${path}`, response.statusCode, '');
          numFailures = 0;
          for await (const line of createInterface({ input: response })) {
            const { type, object } = JSON.parse(line);
            if (type === 'ERROR') break;
            seen(type, object);
          }
        } catch (error) {
          if (signal.aborted) return;
          if (++numFailures === maxFailures) throw error;
          await sleep(1_000);
        }
    },
    close: () => agent.destroy(),
  };
}
