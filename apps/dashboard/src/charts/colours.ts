/** What charts paint with, as the canvas understands it. */
export interface ChartColours {
  readonly axis: string;
  readonly grid: string;
  readonly surface: string;
  readonly font: string;
  /** The colour of a token, with an opacity. */
  readonly of: (token: string, alpha?: number) => string;
}

/** Reads the tokens as they are now; custom properties are resolved by painting a probe with them. */
export function readColours(): ChartColours {
  const probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  const cache = new Map<string, readonly number[]>();
  const channels = (token: string): readonly number[] => {
    const known = cache.get(token);
    if (known !== undefined) return known;
    probe.style.color = `var(--${token})`;
    const found = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? ['0', '0', '0']).map(Number);
    cache.set(token, found);
    return found;
  };
  const of = (token: string, alpha = 1): string => {
    const [red, green, blue, own = 1] = channels(token);
    return `rgba(${red}, ${green}, ${blue}, ${own * alpha})`;
  };
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  for (const token of tokens) channels(token);
  probe.remove();
  return { axis: of('text-muted'), grid: of('grid'), surface: of('surface'), font, of };
}

/** All that charts use; read together because the probe is gone afterwards. */
const tokens = [
  'text-muted',
  'grid',
  'surface',
  'accent',
  'good',
  'warn',
  'bad',
  'series-1',
  'series-2',
  'series-3',
  'series-4',
  'series-5',
  'series-abandoned',
] as const;
