import { readFileSync } from 'node:fs';
import { BerthError, type RunConfig } from '@berth/contracts';
import { listCorpusFiles, parseVocabulary } from '@berth/data';

/**
 * What can be told before anything is started: the corpus exists, and a given vocabulary is one.
 * @throws BerthError `DATA_*`
 */
export async function checkInput(config: RunConfig): Promise<void> {
  await listCorpusFiles(config.corpus.path);
  const { path } = config.vocabulary;
  if (path === undefined) return;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new BerthError('DATA_VOCABULARY_INVALID', `${path}: cannot be read`, { cause: error });
  }
  parseVocabulary(text, path);
}
