import { BerthError, type TextRules } from '@berth/contracts';
import { ownTextRules } from '../text/text-rules.ts';

/** @throws BerthError `DATA_TEXT_RULES` when this engine's tables of text are others than those that a dataset was begun with */
export function requireTextRules({ textRules }: { readonly textRules: TextRules }): void {
  const own = ownTextRules();
  if (own.unicode === textRules.unicode && own.icu === textRules.icu) return;
  throw new BerthError(
    'DATA_TEXT_RULES',
    `This worker's Node has Unicode ${own.unicode} and ICU ${own.icu}; the dataset was begun with Unicode ${textRules.unicode} ` +
      `and ICU ${textRules.icu}: run the same Node on all workers`,
  );
}
