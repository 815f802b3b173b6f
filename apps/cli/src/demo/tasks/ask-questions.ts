import { drawn, numWordsOf, type Passage, type Speech } from './speeches.ts';

export interface AskedQuestion {
  readonly id: string;
  readonly context: string;
  readonly question: string;
  /** Absent where the context has none. */
  readonly answer?: { readonly text: string; readonly start: number };
}

const countries = [
  'Afghanistan|Algeria|Algiers|Argentina|Australia|Austria|Belgium|Bolivia|Bosnia|Brazil|Cambodia|Canada|Chile',
  'China|Colombia|Costa Rica|Cuba|Denmark|Ecuador|Egypt|England|Ethiopia|France|Germany|Great Britain|Greece|Guatemala',
  'Hayti|Haiti|Holland|Honduras|Hungary|India|Iran|Iraq|Ireland|Israel|Italy|Japan|Jordan|Korea|Kuwait|Laos|Lebanon',
  'Liberia|Libya|Mexico|Morocco|New Granada|Nicaragua|Norway|Pakistan|Panama|Paraguay|Persia|Peru|Poland|Portugal|Prussia',
  'Russia|Salvador|Saudi Arabia|Siam|Somalia|Spain|Sweden|Switzerland|Syria|Tripoli|Tunis|Turkey|Ukraine|Uruguay|Venezuela|Vietnam',
].join('|');

/** What is asked for, and how it is found. */
const questions = [
  {
    question: 'Which country is named?',
    pattern: new RegExp(`(?<!New |Gulf of )\\b(?:${countries})\\b`, 'g'),
  },
  {
    question: 'How much money is it?',
    pattern: /\$\d[\d,.]*(?<![,.])(?: (?:million|billion|trillion)\b)?/g,
  },
  { question: 'Which year is named?', pattern: /(?<![$\d,.-])\b(?:1[789]|20)\d\d\b(?![,.]\d)/g },
];

/**
 * Where is the answer? Questions about a sentence for a country, a sum or a year, where it has exactly one; and those for another of
 * the three, where it has none.
 * @param perQuestion - most answered ones of each, and a third as many without an answer
 */
export function askQuestions(speeches: readonly Speech[], perQuestion: number): AskedQuestion[] {
  const asked = speeches
    .flatMap(({ sentences }) => sentences)
    .filter(({ text }) => numWordsOf(text) >= 8 && numWordsOf(text) <= 40)
    .flatMap(questionsAbout);
  const isAnswered = ({ answer }: AskedQuestion): boolean => answer !== undefined;
  const answered = asked.filter(isAnswered);
  const others = asked.filter((one) => !isAnswered(one));
  const kindOf = ({ question }: AskedQuestion): string => question;
  const chosen = [
    ...drawn(answered, kindOf, perQuestion),
    ...drawn(others, kindOf, Math.round(perQuestion / 3)),
  ];
  return drawn(chosen, kindOf, chosen.length);
}

function questionsAbout({ id, text: context }: Passage): AskedQuestion[] {
  const found = questions.map(({ question, pattern }, number) => ({
    common: { id: `${id}-${number}`, context, question },
    matches: [...context.matchAll(pattern)],
  }));
  const hasAny = found.some(({ matches }) => matches.length > 0);
  return found.flatMap(({ common, matches }) => {
    const [first] = matches;
    if (matches.length > 1 || !hasAny) return [];
    if (first === undefined) return [common];
    return [{ ...common, answer: { text: first[0], start: first.index } }];
  });
}
