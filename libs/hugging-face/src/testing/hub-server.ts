import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

interface Commit {
  readonly summary: string;
  /** Files by path, whole. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** A server with the API of the Hugging Face Hub, as far as pushing needs it: repositories, pre-upload, Git LFS, commits, branches. */
export interface HubServer {
  readonly endpoint: string;
  readonly token: string;
  readonly repos: ReadonlySet<string>;
  /** By branch, the newest last. */
  readonly branches: ReadonlyMap<string, readonly Commit[]>;
}

const lfsFrom = 10_000;

export async function startHubServer(repo: string): Promise<HubServer> {
  const token = 'hf_test';
  const repos = new Set([repo]);
  const branches = new Map<string, Commit[]>([['main', []]]);
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const { status, body } = await answer(request);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    void respond();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => new Promise<void>((done) => void server.close(() => done())));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { endpoint, token, repos, branches };

  async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const url = decodeURIComponent(request.url ?? '');
    const body = Buffer.concat((await request.toArray()) as Buffer[]);
    const stored = /^\/lfs\/(\w+)$/.exec(url)?.[1];
    if (stored !== undefined) {
      const isRight = createHash('sha256').update(body).digest('hex') === stored;
      if (isRight) objects.set(stored, body);
      return { status: isRight ? 200 : 400, body: {} };
    }
    if (request.headers.authorization === 'Bearer hf_read')
      return { status: 403, body: { error: 'This token may only read' } };
    if (request.headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: { error: 'Invalid credentials' } };
    if (url === '/api/repos/create') {
      const { name, organization } = JSON.parse(body.toString()) as Record<string, string>;
      const isNew = !repos.has(`${organization}/${name}`);
      repos.add(`${organization}/${name}`);
      return { status: isNew ? 200 : 409, body: { url: `${endpoint}/${name}`, id: name } };
    }
    const [, named = ''] = /^(?:\/api\/models)?\/([^/]+\/[^/.]+)/.exec(url) ?? [];
    if (!repos.has(named)) return { status: 404, body: { error: 'Repository not found' } };
    if (url.endsWith('/info/lfs/objects/batch')) return { status: 200, body: lfsBatch(body) };
    const [, action, branch = ''] = /\/(preupload|commit|branch)\/(.+)$/.exec(url) ?? [];
    if (action === 'preupload') return { status: 200, body: preupload(body) };
    if (action === 'commit') return { status: 200, body: commit(body, branch) };
    if (action === 'branch') {
      branches.set(branch, [...(branches.get('main') ?? [])]);
      return { status: 200, body: {} };
    }
    return { status: 404, body: { error: `no ${url}` } };
  }

  function preupload(body: Buffer): unknown {
    const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number }[] };
    return {
      files: files.map(({ path, size }) => ({
        path,
        uploadMode: size > lfsFrom ? 'lfs' : 'regular',
      })),
    };
  }

  function lfsBatch(body: Buffer): unknown {
    const asked = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
    return {
      transfer: 'basic',
      objects: asked.objects.map(({ oid, size }) => ({
        oid,
        size,
        ...(!objects.has(oid) && { actions: { upload: { href: `${endpoint}/lfs/${oid}` } } }),
      })),
    };
  }

  function commit(body: Buffer, branch: string): unknown {
    const lines = body.toString().trim().split('\n');
    let summary = '';
    const files = new Map<string, Buffer>();
    for (const line of lines) {
      const { key, value } = JSON.parse(line) as { key: string; value: Record<string, string> };
      if (key === 'header') summary = value['summary'] ?? '';
      if (key === 'file') files.set(value['path']!, Buffer.from(value['content']!, 'base64'));
      if (key === 'lfsFile') files.set(value['path']!, objects.get(value['oid']!)!);
    }
    branches.set(branch, [...(branches.get(branch) ?? []), { summary, files }]);
    const commitOid = createHash('sha1').update(body).digest('hex');
    return { success: true, commitOid, commitUrl: `${endpoint}/${repo}/commit/${commitOid}` };
  }
}
