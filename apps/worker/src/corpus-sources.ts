import { homedir } from 'node:os';
import { join } from 'node:path';
import { BerthError, type S3Place } from '@berth/contracts';
import { corpusRootsFrom } from '@berth/data';

/** Where text may be read. */
export interface CorpusSources {
  /** Folders, and places in buckets, below which runs may read; everywhere when there are none. */
  readonly roots: readonly string[];
  /** The service that s3:// names, and its keys. */
  readonly s3: Omit<S3Place, 'bucket' | 'prefix'>;
  /** Folder of what was downloaded from the Hugging Face hub. */
  readonly hubCache: string;
}

interface SourceVariables {
  readonly BERTH_CORPUS_ROOTS?: string | undefined;
  readonly BERTH_CORPUS_S3_ENDPOINT?: string | undefined;
  readonly BERTH_CORPUS_S3_REGION?: string | undefined;
  readonly BERTH_CORPUS_S3_ACCESS_KEY?: string | undefined;
  readonly BERTH_CORPUS_S3_SECRET_KEY?: string | undefined;
  readonly HF_HUB_CACHE?: string | undefined;
  readonly HF_HOME?: string | undefined;
}

/**
 * @param bucket - of berth: text is in the same service unless another is named
 * @throws BerthError `CONFIG_INVALID` naming the variable that is wrong
 */
export function corpusSources(variables: SourceVariables, bucket: S3Place): CorpusSources {
  const { HF_HOME: home = join(homedir(), '.cache', 'huggingface') } = variables;
  return {
    roots: corpusRootsFrom(variables.BERTH_CORPUS_ROOTS),
    s3: serviceOf(variables, bucket),
    hubCache: variables.HF_HUB_CACHE ?? join(home, 'hub'),
  };
}

function serviceOf(variables: SourceVariables, bucket: S3Place): CorpusSources['s3'] {
  const { BERTH_CORPUS_S3_ENDPOINT: endpoint } = variables;
  if (endpoint === undefined) {
    const { bucket: _bucket, prefix: _prefix, ...service } = bucket;
    return service;
  }
  if (endpoint !== 'aws' && !/^https?:/.test(endpoint))
    throw new BerthError(
      'CONFIG_INVALID',
      'BERTH_CORPUS_S3_ENDPOINT is not a URL: write it as https://host or http://host:port, or aws',
    );
  const { BERTH_CORPUS_S3_ACCESS_KEY: accessKeyId, BERTH_CORPUS_S3_SECRET_KEY: secretAccessKey } =
    variables;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    throw new BerthError(
      'CONFIG_INVALID',
      'set both BERTH_CORPUS_S3_ACCESS_KEY and BERTH_CORPUS_S3_SECRET_KEY, or neither',
    );
  return {
    region: variables.BERTH_CORPUS_S3_REGION ?? 'us-east-1',
    ...(endpoint !== 'aws' && { endpoint }),
    ...(accessKeyId !== undefined && { accessKeyId, secretAccessKey }),
  };
}
