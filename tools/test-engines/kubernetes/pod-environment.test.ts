import { expect, it } from 'vitest';
import { environmentOf, expand, pathsOf } from './pod-environment.mjs';

const facts = {
  pod: { metadata: { name: 'p-1', labels: { run: 'r' } }, spec: {} },
  podIP: '127.1.1.2',
  hostIP: '127.1.0.1',
  read: async (kind: string, name: string) => {
    if (name === 'absent') throw Object.assign(new Error('not found'), { status: 404 });
    return kind === 'secrets' ? { data: { KEY: btoa('hidden') } } : { data: { KEY: 'open' } };
  },
};

it('has what a container is given, in order', async () => {
  const field = (fieldPath: string): object => ({ valueFrom: { fieldRef: { fieldPath } } });
  const optional = { name: 'absent', key: 'KEY', optional: true };
  const container = {
    envFrom: [{ configMapRef: { name: 'c' } }],
    env: [
      { name: 'IP', ...field('status.podIP') },
      { name: 'RUN', ...field("metadata.labels['run']") },
      { name: 'ADDRESS', value: '$(IP):7800 $(LATER) $$(IP)' },
      { name: 'LATER', value: 'x' },
      { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'KEY' } } },
      { name: 'NONE', valueFrom: { secretKeyRef: optional } },
    ],
  };
  expect(await environmentOf(container, facts)).toEqual({
    KEY: 'open',
    IP: '127.1.1.2',
    RUN: 'r',
    ADDRESS: '127.1.1.2:7800 $(LATER) $(IP)',
    LATER: 'x',
    SECRET: 'hidden',
  });
});

it('does not start a container without what it must have', async () => {
  const secretKeyRef = { name: 's', key: 'OTHER' };
  const container = { env: [{ name: 'A', valueFrom: { secretKeyRef } }] };
  await expect(environmentOf(container, facts)).rejects.toThrow("couldn't find key OTHER");
  expect(expand('$(A)', { A: '1' })).toBe('1');
});

it('finds the folder of the innermost mount of a path', () => {
  const volumeMounts = [
    { name: 'tmp', mountPath: '/tmp' },
    { name: 'text', mountPath: '/tmp/text' },
  ];
  const volumes = new Map([
    ['tmp', '/pods/1/tmp'],
    ['text', '/pods/1/text'],
  ]);
  const inside = pathsOf({ volumeMounts }, volumes);
  expect(['/tmp', '/tmp/a', '/tmp/text/b', '/tmpfile', 'x'].map(inside)).toEqual([
    '/pods/1/tmp',
    '/pods/1/tmp/a',
    '/pods/1/text/b',
    '/tmpfile',
    'x',
  ]);
});
