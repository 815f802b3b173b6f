/** A setting that earlier releases called otherwise. */
export interface RenamedSetting {
  /** As in `train.numSteps`. */
  readonly before: string;
  readonly now: string;
  /** Its values, where these are called otherwise too. */
  readonly values?: readonly { readonly before: unknown; readonly now: unknown }[];
}

const renamedSettings: readonly RenamedSetting[] = [
  { before: 'train.wire', now: 'train.allReduceDtype' },
  {
    before: 'examples.wholeWordMask',
    now: 'examples.masking',
    values: [
      { before: false, now: 'token' },
      { before: true, now: 'word' },
    ],
  },
];

/** What a setting of this path is called today, and what it was called before. */
export function renamedFrom(path: string): RenamedSetting | undefined {
  return renamedSettings.find(({ before }) => before === path);
}

/** What a value of such a setting is called today; one that it cannot have stays, to be refused. */
export function currentValue({ values }: RenamedSetting, value: unknown): unknown {
  const known = values?.find(({ before }) => before === value);
  return known === undefined ? value : known.now;
}

/** A setting and its value as the release called both that first had them: what identities are made of. */
export function firstNameOf(path: string, value: unknown): { path: string; value: unknown } {
  const renamed = renamedSettings.find(({ now }) => now === path);
  const known = renamed?.values?.find(({ now }) => now === value);
  if (renamed === undefined || known === undefined) return { path, value };
  return { path: renamed.before, value: known.before };
}

/**
 * A run config as it was written, with today's names. A setting that has both names keeps both, and is refused for the old one.
 * @returns also what was renamed
 */
export function withCurrentNames(config: unknown): {
  readonly config: unknown;
  readonly renamed: readonly RenamedSetting[];
} {
  const renamed: RenamedSetting[] = [];
  let current = config;
  for (const setting of renamedSettings) {
    const [section = '', before = ''] = setting.before.split('.');
    const now = setting.now.slice(section.length + 1);
    const settings = isObject(current) ? current[section] : undefined;
    if (!isObject(settings) || !Object.hasOwn(settings, before) || Object.hasOwn(settings, now))
      continue;
    const entries = Object.entries(settings).map(([key, value]) =>
      key === before ? [now, currentValue(setting, value)] : [key, value],
    );
    current = { ...(current as object), [section]: Object.fromEntries(entries) };
    renamed.push(setting);
  }
  return { config: current, renamed };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
