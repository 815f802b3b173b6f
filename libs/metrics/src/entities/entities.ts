/** A run of words of one type. */
export interface Entity {
  readonly type: string;
  readonly start: number;
  /** The first word after it. */
  readonly end: number;
}

/** What a tag says, such as B-PER: its prefix, and its type. */
interface Tag {
  readonly prefix: string;
  readonly type: string;
}

const outside: Tag = { prefix: 'O', type: '_' };

/**
 * The entities of a sentence, as conlleval.pl and seqeval's default find them in tags of any scheme (IOB1, IOB2, BIOES),
 * well-formed or not: one begins wherever its first word cannot go on with the one before.
 */
export function entitiesOf(tags: readonly string[]): Entity[] {
  const entities: Entity[] = [];
  let before = outside;
  let start = 0;
  for (const [end, tag] of [...tags.map(parseTag), outside].entries()) {
    if (endsBetween(before, tag)) entities.push({ type: before.type, start, end });
    if (beginsBetween(before, tag)) start = end;
    before = tag;
  }
  return entities;
}

function parseTag(tag: string): Tag {
  const rest = tag.slice(1);
  const dash = rest.indexOf('-');
  return { prefix: tag.charAt(0), type: rest.slice(dash + 1) || '_' };
}

/** Whether an entity that the word before is in ends with it. */
function endsBetween(before: Tag, tag: Tag): boolean {
  if (before.prefix === 'E' || before.prefix === 'S') return true;
  if ('BI'.includes(before.prefix) && 'BSO'.includes(tag.prefix)) return true;
  return isInside(before) && before.type !== tag.type;
}

function beginsBetween(before: Tag, tag: Tag): boolean {
  if (tag.prefix === 'B' || tag.prefix === 'S') return true;
  if ('ESO'.includes(before.prefix) && 'EI'.includes(tag.prefix)) return true;
  return isInside(tag) && before.type !== tag.type;
}

function isInside({ prefix }: Tag): boolean {
  return prefix !== 'O' && prefix !== '.';
}
