import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@berth/launch';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { berth } from './testing/berth-process.ts';

async function launch(args: readonly string[], env: Record<string, string> = {}) {
  const { path: folder } = await temporaryFolder();
  const file = join(folder, 'run.json');
  writeFileSync(file, '{"name":"first","corpus":{"path":"text"},"model":{"size":"tiny"}}');
  const answer = await berth(['launch', 'kubernetes', file, ...args], { folder, env });
  return { folder, ...answer };
}

it('prints the manifests of a run, and says what pods will not see', async () => {
  const { folder, exitCode, stdout, stderr } = await launch(
    `--workers 3 --namespace ml --kernels avx2 --gpus 1 --claim other=/elsewhere --image registry/worker:7 --node-selector a=b`.split(
      ' ',
    ),
  );
  expect(exitCode).toBe(0);
  expect(stderr).toContain(`warning: ${folder}/text is a path of this machine`);
  expect(stdout.match(/^kind: .*$/gm)).toEqual(['kind: ConfigMap', 'kind: Job', 'kind: Job']);
  expect(stdout.match(/^ {2}namespace: ml$/gm)).toHaveLength(3);
  for (const line of ['parallelism: 3', 'image: registry/worker:7', 'nvidia.com/gpu: 1', 'a: b'])
    expect(stdout).toContain(line);
});

it.each([
  [['--gpus', '2'], /'2' is invalid\. It must be a whole number from 0 to 1/],
  [['--claim', 'text'], /--claim text: write it as name=value/],
  [['--claim', 'text=data'], /--claim text=data: write it as name=\/path/],
  [['--kernels', 'here'], /--kernels here: it is one of sse41, avx, avx2/],
  [['--set', `name=${'a'.repeat(60)}`], /in Kubernetes a run may have 54/],
])('refuses %j in one line', async (args, message) => {
  const { exitCode, stderr } = await launch(args);
  expect(exitCode).toBe(2);
  expect(stderr.split('\n').filter((line) => line.startsWith('error: '))).toEqual([
    expect.stringMatching(message),
  ]);
});

it('says that there is no kubectl, or that the API server does not answer', async () => {
  const { path: folder } = await temporaryFolder();
  const nobody = join(folder, 'kubeconfig');
  const cluster = { name: 'c', cluster: { server: `http://127.0.0.1:${await freePort()}` } };
  const context = { name: 'c', context: { cluster: 'c', user: '' } };
  writeFileSync(
    nobody,
    JSON.stringify({ clusters: [cluster], contexts: [context], 'current-context': 'c' }),
  );
  const withoutKubectl = await launch(['--apply'], { PATH: folder });
  expect(withoutKubectl).toMatchObject({ exitCode: 2, stdout: '' });
  expect(withoutKubectl.stderr).toMatch(/^error: kubectl is not here; install it, or print/m);
  if (!hasKubectl()) return;
  const { exitCode, stderr } = await launch(['--status'], { KUBECONFIG: nobody });
  expect(exitCode).toBe(4);
  expect(stderr).toMatch(/^error: The API server of the cluster does not answer; /m);
});

function hasKubectl(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
