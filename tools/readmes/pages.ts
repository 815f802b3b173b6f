import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A Markdown file of the repository. */
export interface Page {
  /** From the root. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of code. */
export interface Block {
  readonly language: string;
  /** What stands behind the language. */
  readonly remark: string;
  readonly code: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

const folders = ['apps', 'bench', 'configs', 'corpus', 'docs', 'infra', 'libs', 'tools'];

/** All files and folders, from the root, without what is installed or built; folders end in a slash. */
export const paths: ReadonlySet<string> = new Set(
  folders.flatMap((folder) => [`${folder}/`, ...below(folder)]),
);

function below(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return ['node_modules', 'dist'].includes(entry.name) ? [] : [`${path}/`, ...below(path)];
  });
}

export const pages: readonly Page[] = ['README.md', 'CONTRIBUTING.md', ...paths]
  .filter((path) => path.endsWith('.md'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** The package that a page is about; undefined for a page about all. */
export function packageOf({ path }: Page): string | undefined {
  return /^(?:libs|apps)\/[^/]+\/|^bench\//.exec(path)?.[0];
}

export function blocksOf({ text }: Page): Block[] {
  return [...text.matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, language = '', remark = '', code = ''] = match;
    const line = text.slice(0, match.index).split('\n').length + 1;
    return { language, remark: remark.trim(), code, line };
  });
}

/** A page without its code. */
export function proseOf({ text }: Page): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '');
}

/** The names by which headings are linked to, as GitHub makes them. */
export function anchorsOf(page: Page): string[] {
  return [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Where a link of a page leads, from the root; undefined for one that leads out of the repository. */
export function targetOf(page: Page, link: string): { path: string; anchor?: string } | undefined {
  if (/^\w+:/.test(link)) return undefined;
  const [file = '', anchor] = link.split('#');
  const absolute = file === '' ? join(root, page.path) : join(root, dirname(page.path), file);
  const path = relative(root, absolute).split(sep).join('/');
  return { path, ...(anchor !== undefined && { anchor }) };
}

export function exists(path: string): boolean {
  return existsSync(join(root, path));
}
