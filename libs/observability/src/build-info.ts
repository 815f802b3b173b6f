import { readFileSync } from 'node:fs';

/** Which berth this is. */
export interface BuildInfo {
  readonly version: string;
  /** That it was compiled from, `-dirty` behind it if files differed; null where setup did not know one. */
  readonly commit: string | null;
  readonly node: string;
  /** The library that is installed, such as `tensorflow-cpu-2.21.0`; null where there is none. */
  readonly tensorflow: string | null;
}

const root = '../../..';
const addon = `${root}/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node`;

/** Reads what setup has noted and installed. */
export function buildInfo(): BuildInfo {
  const { version } = JSON.parse(textOf('../package.json') || '{}') as { version: string };
  const { commit = null } = JSON.parse(
    textOf(`${root}/dist/build.json`) || '{}',
  ) as Partial<BuildInfo>;
  return { version, commit, node: process.versions.node, tensorflow: linkedLibrary(textOf(addon)) };
}

/** `berth 0.1.0 (62dc62e0c1d2), Node 20.20.2, tensorflow-cpu-2.21.0` */
export function describeBuild({ version, commit, node, tensorflow }: BuildInfo): string {
  const build = commit === null ? '' : ` (${commit})`;
  return `berth ${version}${build}, Node ${node}, ${tensorflow ?? 'no TensorFlow'}`;
}

/** The library that an addon looks for beside itself, from the search path that its linker has written into it. */
export function linkedLibrary(addonText: string): string | null {
  return /\$ORIGIN\/\.\.\/([\w.-]+)\/tensorflow/.exec(addonText)?.[1] ?? null;
}

/** Byte by byte; empty when it cannot be read. */
function textOf(path: string): string {
  try {
    return readFileSync(new URL(path, import.meta.url), 'latin1');
  } catch {
    return '';
  }
}
