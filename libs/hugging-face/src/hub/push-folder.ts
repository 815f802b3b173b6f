import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createBranch, createRepo, HubApiError, uploadFiles } from '@huggingface/hub';
import { BerthError, toBerthError, type ErrorCode } from '@berth/contracts';

/** Where a model is published. */
export interface HubPlace {
  /** `owner/name` */
  readonly repo: string;
  /** A token that may write there. */
  readonly token: string;
  /** @defaultValue https://huggingface.co */
  readonly endpoint?: string;
}

export interface PushedFolder {
  /** Of the commit on `main`. */
  readonly commitUrl: string;
  /** The branch that stays at this commit. */
  readonly revision: string;
}

/** Half a terabyte at a gigabit: longer no request takes that goes anywhere. */
const requestTimeoutMs = 3_600_000;

/**
 * Makes a private repository for a model. One that is there already stays as it is.
 * @throws BerthError as `pushFolder`
 */
export async function createModelRepo(place: HubPlace): Promise<void> {
  try {
    await createRepo({ ...callOptions(place), visibility: 'private' });
  } catch (error) {
    if (!(error instanceof HubApiError && error.statusCode === 409)) throw toHubError(error, place);
  }
}

/**
 * Commits the files of a folder to `main` of a model repository, and leaves a branch at that commit, so that later pushes do
 * not hide it.
 * @throws BerthError `STORE_REFUSED` when the token may not write there, `STORE_NOT_FOUND` when there is no such repository,
 * `STORE_UNREACHABLE` when the Hub does not answer
 */
export async function pushFolder(
  folder: string,
  files: readonly string[],
  place: HubPlace,
  { title, revision }: { readonly title: string; readonly revision: string },
): Promise<PushedFolder> {
  const options = callOptions(place);
  try {
    const pushed = await uploadFiles({
      ...options,
      files: files.map((path) => ({ path, content: pathToFileURL(join(folder, path)) })),
      commitTitle: title,
      // Git LFS, which every server of this kind has.
      useXet: false,
    });
    if (pushed === undefined) throw new TypeError('the Hub has told of no commit');
    const { oid, url } = pushed.commit;
    await createBranch({ ...options, branch: revision, revision: oid, overwrite: true });
    return { commitUrl: url, revision };
  } catch (error) {
    throw toHubError(error, place);
  }
}

function callOptions({ repo, token, endpoint }: HubPlace) {
  return {
    repo: { type: 'model' as const, name: repo },
    accessToken: token,
    ...(endpoint !== undefined && { hubUrl: endpoint.replace(/\/+$/, '') }),
    fetch: fetchInTime,
  };
}

const fetchInTime: typeof fetch = (input, init) => {
  const deadline = AbortSignal.timeout(requestTimeoutMs);
  const signal = init?.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  return fetch(input, { ...init, signal });
};

function toHubError(error: unknown, { repo, endpoint }: HubPlace): BerthError {
  const hub = endpoint ?? 'https://huggingface.co';
  const say = (code: ErrorCode, message: string): BerthError =>
    new BerthError(code, message, { cause: error });
  if (error instanceof HubApiError) {
    const { statusCode } = error;
    const [words = ''] = error.message.split('\n');
    // Large files go to another server, with an address that the Hub has signed.
    if (!error.url.startsWith(hub))
      return say(
        'STORE_UNREACHABLE',
        `The server of large files of ${hub} answers ${statusCode}: ${words}`,
      );
    if (statusCode === 401)
      return say(
        'STORE_REFUSED',
        `${hub} does not know the token in HF_TOKEN; make one at ${hub}/settings/tokens`,
      );
    if (statusCode === 403)
      return say(
        'STORE_REFUSED',
        `The token in HF_TOKEN may not write to ${repo}; it needs write access to it (${words})`,
      );
    if (statusCode === 404)
      return say(
        'STORE_NOT_FOUND',
        `There is no model repository ${repo} at ${hub}, or the token may not see it; --create makes a private one`,
      );
    return say('STORE_UNREACHABLE', `${hub} answers ${statusCode}: ${words}`);
  }
  const { message, code } = toBerthError(error);
  if (code !== 'INTERNAL') return toBerthError(error);
  const { cause } = error as { cause?: unknown };
  const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return say('STORE_UNREACHABLE', `${hub} cannot be reached (${why}); HF_ENDPOINT names another`);
}
