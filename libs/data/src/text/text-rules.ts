import type { TextRules } from '@berth/contracts';

/** What of this process's engine decides tokens, words and sentences. */
export function ownTextRules(
  { unicode, icu }: NodeJS.ProcessVersions = process.versions,
): TextRules {
  return { unicode: unicode ?? 'none', icu: icu ?? 'none' };
}
