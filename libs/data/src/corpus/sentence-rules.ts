const words = (list: string): ReadonlySet<string> => new Set(list.split(/\s+/));

/** Always followed by the rest of the sentence. */
const neverFinal = words(`
  adm brig capt cmdr col cpl dr drs gen gov hon insp lt maj messrs mlle mme mmes mr mrs ms pres prof pvt rep reps
  rev revd sen sens sgt supt approx cf e.g esp i.e v viz vs`);

/** Followed by a number where they are abbreviations. */
const beforeNumber = words(`
  art arts cap ch chap fig figs no nos p par pp sec secs stat vol vols
  apr aug dec feb jan jul jun mar nov oct sep sept`);

/** Sometimes the end of a sentence, as initials and acronyms are: the next word decides. */
const maybeFinal = words(`
  a.d a.m ave b.c bros co corp dept dist est etc inc jr ll.d ltd m.d mfg mt p.m ph.d sr st`);

const sentenceStarters = words(`
  a after all also although an and another any as at because before both but by despite during each every few for
  from he her here his how however if in indeed it its last let many meanwhile most my neither never next not nor now
  of on once one only other our over she since so some still such that the their then there therefore these they this
  those though through thus to today two under unless until upon we what when where whether while who why will with
  without yet you your`);

/** Characters at most that {@link continues} looks at, of the end of one part and of the beginning of the other. */
export const ruleLengths = { before: 24, after: 1 << 10 } as const;

/** Whether a part that was cut off after `before` goes on with `after`. */
export function continues(before: string, after: string): boolean {
  // “Is it?” she asked.
  if (/[!?]["'”’)\]]+\s+$/u.test(before.slice(-8)) && /^\p{Ll}/u.test(after)) return true;
  const last = /(?:^|[\s("'“‘[—–-])([\p{L}.]+)\.\s+$/u.exec(before.slice(-ruleLengths.before))?.[1];
  if (last === undefined || last === 'I') return false;
  const isInitials = /^\p{Lu}(?:\.\p{Lu})*$/u.test(last);
  const word = last.toLowerCase();
  if (isInitials || maybeFinal.has(word)) return !startsSentence(after.slice(0, ruleLengths.after));
  if (beforeNumber.has(word)) return /^(?:\d|[IVXLC]{2,}\b|[VXLC]\b)/.test(after);
  return neverFinal.has(word);
}

function startsSentence(text: string): boolean {
  const next = /^[^\p{L}\d]*(\d|\p{L}+(?![\p{L}.]))/u.exec(text)?.[1];
  return next !== undefined && (/\d/.test(next) || sentenceStarters.has(next.toLowerCase()));
}
