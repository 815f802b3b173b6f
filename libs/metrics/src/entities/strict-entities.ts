import { BerthError } from '@berth/contracts';
import type { Entity } from './entities.ts';

/** Ways to write entities as tags; BIOES is what seqeval calls IOBES. */
export const tagSchemes = ['IOB1', 'IOB2', 'BIOES'] as const;
export type TagScheme = (typeof tagSchemes)[number];

type SameType = 'same' | 'other' | 'any';
/** Prefixes of the word before, prefixes of the word, and whether their types are the same. */
type Pattern = readonly [before: string, now: string, types: SameType];

interface Rules {
  readonly prefixes: string;
  readonly starts: readonly Pattern[];
  readonly goesOn: readonly Pattern[];
  readonly ends: readonly Pattern[];
}

const rules: Record<TagScheme, Rules> = {
  IOB1: {
    prefixes: 'IOB',
    starts: [
      ['O', 'I', 'any'],
      ['I', 'I', 'other'],
      ['B', 'I', 'any'],
      ['IB', 'B', 'same'],
    ],
    goesOn: [['IB', 'I', 'same']],
    ends: [
      ['IB', 'I', 'other'],
      ['IB', 'O', 'any'],
      ['I', 'B', 'any'],
      ['B', 'B', 'same'],
    ],
  },
  IOB2: {
    prefixes: 'IOB',
    starts: [['IOB', 'B', 'any']],
    goesOn: [['IB', 'I', 'same']],
    ends: [
      ['IB', 'OB', 'any'],
      ['IB', 'I', 'other'],
    ],
  },
  BIOES: {
    prefixes: 'BIOES',
    starts: [['BIOES', 'BS', 'any']],
    goesOn: [['BI', 'IE', 'same']],
    ends: [['SE', 'BIOES', 'any']],
  },
};

interface Tag {
  readonly prefix: string;
  readonly type: string;
}

const outside: Tag = { prefix: 'O', type: '_' };

/**
 * The entities of a sentence that are written exactly as the scheme demands, as seqeval's `mode="strict"` finds them; what is
 * ill-formed is none.
 * @throws BerthError `DATA_INPUT_INVALID` for a tag that the scheme does not have
 */
export function strictEntitiesOf(tags: readonly string[], scheme: TagScheme): Entity[] {
  const { prefixes, starts, goesOn, ends } = rules[scheme];
  const all = [...tags.map((tag) => parseTag(tag, prefixes, scheme)), outside];
  const entities: Entity[] = [];
  let before = outside;
  for (let i = 0; i < all.length;) {
    let end = i + 1;
    if (isOneOf(starts, before, all[i]!)) {
      while (isOneOf(goesOn, all[end - 1]!, all[end]!)) end += 1;
      if (isOneOf(ends, all[end - 1]!, all[end]!))
        entities.push({ type: all[i]!.type, start: i, end });
    }
    i = end;
    before = all[i - 1]!;
  }
  return entities;
}

function parseTag(tag: string, prefixes: string, scheme: TagScheme): Tag {
  const prefix = tag.charAt(0);
  if (prefix === '' || !prefixes.includes(prefix))
    throw new BerthError(
      'DATA_INPUT_INVALID',
      `tag ${JSON.stringify(tag)} is none of ${scheme}, whose tags begin with ${prefixes.split('').join(', ')}: correct the tag, or name its scheme`,
    );
  return { prefix, type: tag.slice(1).replace(/^-+|-+$/g, '') || '_' };
}

function isOneOf(patterns: readonly Pattern[], before: Tag, now: Tag): boolean {
  const isSame = before.type === now.type;
  return patterns.some(
    ([beforeIn, nowIn, types]) =>
      beforeIn.includes(before.prefix) &&
      nowIn.includes(now.prefix) &&
      (types === 'any' || (types === 'same') === isSame),
  );
}
