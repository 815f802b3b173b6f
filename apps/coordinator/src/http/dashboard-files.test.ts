import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { serveDashboard } from './dashboard-files.ts';

it('serves a built dashboard, its index for every page, and nothing beside it', async () => {
  const root = (await temporaryFolder()).path;
  const folder = join(root, 'dist');
  await mkdir(join(folder, 'assets'), { recursive: true });
  await writeFile(join(root, 'secret.txt'), 'secret');
  await writeFile(join(folder, 'index.html'), '<title>berth</title>');
  await writeFile(join(folder, 'assets', 'app-1a2b.js'), 'plain');
  await writeFile(join(folder, 'assets', 'app-1a2b.js.br'), 'packed');
  const app = new Hono();
  serveDashboard(app, folder);
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await app.request(path, { headers });
    const of = (name: string): string | null => response.headers.get(name);
    return { status: response.status, text: await response.text(), of };
  };

  for (const path of ['/', '/runs/a', '/runs/a/metrics']) {
    const page = await get(path);
    expect(page).toMatchObject({ status: 200, text: '<title>berth</title>' });
    expect(page.of('cache-control')).toBe('no-cache');
  }
  const asset = await get('/assets/app-1a2b.js');
  expect(asset.text).toBe('plain');
  expect(asset.of('cache-control')).toContain('immutable');
  const packed = await get('/assets/app-1a2b.js', { 'accept-encoding': 'gzip, br' });
  expect([packed.text, packed.of('content-encoding')]).toEqual(['packed', 'br']);
  for (const path of [
    '/assets/none.js',
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/api/none',
  ])
    expect((await get(path)).status).toBe(404);
});

it('says what to do when the dashboard is not built', async () => {
  const app = new Hono();
  serveDashboard(app, join((await temporaryFolder()).path, 'none'));
  const response = await app.request('/');
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('is not built');
});
