import { must } from './command.mjs';

/** berth's own images that a cluster runs. */
export const ownImages = ['berth/coordinator:0.1.0', 'berth/worker:0.1.0'];

/** @param {string} image - its size in bytes */
export async function sizeOf(image) {
  return Number(await must('docker', ['image', 'inspect', '--format', '{{.Size}}', image]));
}

const findTests =
  'find libs apps -name node_modules -prune -o ( -name src -o -name test -o -name testing -o -name simulator -o -name *.test.* ) -print';

/** @throws Error when an image holds what only tests use */
export async function checkHoldNoTests() {
  const run = ['run', '--rm', '--network', 'none'];
  for (const image of ownImages) {
    const found = (await must('docker', [...run, image, ...findTests.split(' ')])).trim();
    if (found !== '') throw new Error(`${image} holds what only tests use:\n${found}`);
  }
}
