import { Random } from '@berth/protocol';

/** A request that must be refused. */
export interface BadRequest {
  /** What is wrong with it, for messages. */
  readonly fault: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface BadRequestOptions {
  readonly token: string;
  /** A run that exists. */
  readonly runId: string;
  /** A job that has failed. */
  readonly jobId: string;
  /** A valid body of `POST /api/runs` of a run that does not exist. */
  readonly submission: { readonly config: object; readonly goal: string };
}

type Draw = <T>(from: readonly T[]) => T;

/** Makes requests that must be refused, the same ones for the same seed. */
export function badRequests(seed: number, options: BadRequestOptions): () => BadRequest {
  const random = new Random(seed);
  const draw: Draw = (from) => random.pick(from) as never;
  return () => {
    const make = draw(makers);
    return make(draw, options);
  };
}

const json = { 'content-type': 'application/json' };
const withToken = (token: string): Record<string, string> => ({
  ...json,
  authorization: `Bearer ${token}`,
});

const junk = [
  '',
  ' ',
  '-1',
  '1e999',
  'NaN',
  'Infinity',
  '9'.repeat(40),
  '0x',
  'null',
  'true',
  '[]',
  '{}',
  '../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%00',
  '%',
  '%zz',
  '%ff%fe',
  '%F0%9F%92%A5',
  "';DROP TABLE runs;--",
  '*',
  '(1-0',
  '$where',
  '__proto__',
  'constructor',
  '{a}:record',
  'a}:view',
  '<script>',
  'A',
  'x'.repeat(64),
  'y'.repeat(3_000),
];
const ofRuns = ['', '/history?metrics=loss', '/metrics', '/workers', '/checkpoints', '/logs'];
const paths = [
  '/api/cluster',
  '/api/runs',
  '/api/queues',
  '/api/events',
  '/api/presets',
  '/api/logs',
];
const badQueries: readonly (readonly [string, readonly string[]])[] = [
  ['history', ['', 'metrics=', 'metrics=fame', 'metrics=loss,loss2', 'metrics=loss&x=fame']],
  ['history', ['metrics=loss&numBuckets=9', 'metrics=loss&numBuckets=4001', 'metrics=loss&from=x']],
  [
    'history',
    ['metrics=loss&numBuckets=1e9', 'metrics=loss&kind=all', 'metrics=loss&metrics=loss'],
  ],
  ['metrics', ['after=x', 'after=1-', 'after=-', 'after=(1-0', 'after=1-1-1', 'after=1&after=2']],
  [
    'logs',
    ['limit=0', 'limit=1001', 'limit=1.5', 'limit=x', 'level=loud', 'before=%2B', 'after=*'],
  ],
  ['logs', [`text=${'t'.repeat(201)}`, `source=${'s'.repeat(201)}`, 'run=a', 'limit=5&limit=6']],
  ['workers', ['x=1', '=', '%00=1']],
  ['checkpoints', ['__proto__=1', 'step=1']],
];
const badBodies = [
  '',
  '{',
  '[]',
  'null',
  '1',
  '"text"',
  '{"goal":"trained"}',
  '\u0000',
  '{"a":1}}',
];

const makers: readonly ((draw: Draw, options: BadRequestOptions) => BadRequest)[] = [
  (draw, { token }) => ({
    fault: 'an unknown path',
    method: draw(['GET', 'POST', 'PUT']),
    path: `/api/${draw(['run', 'v1', 'runs2', 'admin', 'health'])}/${encode(draw(junk))}`,
    headers: withToken(token),
    body: undefined,
  }),
  (draw, { token }) => ({
    fault: 'a wrong method',
    method: draw(['DELETE', 'PUT', 'PATCH', 'OPTIONS', 'PROPFIND']),
    path: draw(paths),
    headers: withToken(token),
    body: draw([undefined, '{}', '{']),
  }),
  (draw, { token }) => ({
    fault: 'a run that cannot be',
    method: 'GET',
    path: `/api/runs/z${encode(draw(junk))}Z${encode(draw(junk))}${draw(ofRuns)}`,
    headers: withToken(token),
    body: undefined,
  }),
  (draw, { token, runId }) => {
    const [part, queries] = draw(badQueries);
    const path = `/api/runs/${runId}/${part}?${draw(queries)}`;
    return {
      fault: 'a bad query',
      method: 'GET',
      path,
      headers: withToken(token),
      body: undefined,
    };
  },
  (draw, { token, runId }) => {
    const [part, good] = draw([
      ['history', 'metrics=loss'],
      ['logs', 'limit=1'],
      ['metrics', 'after='],
    ] as const);
    const path = `/api/runs/${runId}/${part}?${good}&q${encode(draw(junk))}=${encode(draw(junk))}`;
    return {
      fault: 'an unknown query key',
      method: 'GET',
      path,
      headers: withToken(token),
      body: undefined,
    };
  },
  (draw, { token }) => ({
    fault: 'a bad query of events or jobs',
    method: 'GET',
    path: draw([
      `/api/events?run=${encode(draw(junk))}Z`,
      `/api/events?lastEventId=${'i'.repeat(65)}`,
      '/api/events?since=1',
      `/api/queues/berth-jobs/jobs?state=${encode(draw(junk))}`,
      `/api/queues/berth-jobs/jobs?limit=${encode(draw(['0', '201', 'x', '-1', '1.5']))}`,
      `/api/queues/q${encode(draw(junk))}Z/jobs`,
    ]),
    headers: withToken(token),
    body: undefined,
  }),
  (draw, { token }) => ({
    fault: 'a bad body',
    method: 'POST',
    path: '/api/runs',
    headers: withToken(token),
    body: draw([...badBodies, '['.repeat(50_000), `{"config":${'[{"a":'.repeat(3_000)}`]),
  }),
  (draw, { token, submission }) => ({
    fault: 'a run config with one mistake',
    method: 'POST',
    path: '/api/runs',
    headers: withToken(token),
    body: JSON.stringify({ ...submission, config: spoil(submission.config, draw) }),
  }),
  (draw, { token, submission }) => ({
    fault: 'a submission with a mistake around its config',
    method: 'POST',
    path: '/api/runs',
    headers: withToken(token),
    body: JSON.stringify(
      draw<object>([
        { ...submission, goal: draw(junk) },
        { ...submission, [`k${draw(junk)}`]: 1 },
        { config: submission.config },
        [submission],
      ]),
    ),
  }),
  (draw, { token, submission }) => ({
    fault: 'a body of another type',
    method: 'POST',
    path: '/api/runs',
    headers: {
      ...withToken(token),
      'content-type': draw(['text/plain', 'application/jsonx', 'multipart/form-data', 'x']),
    },
    body: JSON.stringify(submission),
  }),
  (draw, { token, runId }) => ({
    fault: 'a bad control',
    method: 'POST',
    path: draw([
      `/api/runs/${runId}/controls/c${encode(draw(junk))}`,
      `/api/runs/Z${encode(draw(junk))}/controls/stop`,
      '/api/runs/never-seen/controls/stop',
    ]),
    headers: withToken(token),
    body: draw([undefined, '{}']),
  }),
  (draw, { token, runId }) => ({
    fault: 'a bad body of a control',
    method: 'POST',
    path: `/api/runs/${runId}/controls/resume`,
    headers: withToken(token),
    body: draw([
      '{',
      '[]',
      '{"fromStep":-1}',
      '{"fromStep":"1"}',
      '{"fromStep":1.5}',
      '{"x":1}',
      '7',
    ]),
  }),
  (draw, { token }) => ({
    fault: 'a job that is not there',
    method: 'POST',
    path: `/api/queues/${draw(['berth-jobs', 'other'])}/jobs/j${encode(draw(junk))}Z/retry`,
    headers: withToken(token),
    body: undefined,
  }),
  (draw, { token, runId, jobId, submission }) => ({
    fault: 'no token, or another',
    method: 'POST',
    ...draw(validWrites(runId, jobId, submission)),
    headers: {
      ...json,
      ...draw<Record<string, string>>([
        {},
        { authorization: '' },
        { authorization: token },
        { authorization: `Bearer ${token.slice(1)}` },
        { authorization: `Bearer ${token}x` },
        { authorization: `Basic ${btoa(token)}` },
        { authorization: `Bearer ${'t'.repeat(4_000)}` },
      ]),
    },
  }),
  (draw, { token, runId, jobId, submission }) => ({
    fault: 'a page of another site',
    method: 'POST',
    ...draw(validWrites(runId, jobId, submission)),
    headers: {
      ...withToken(token),
      ...draw<Record<string, string>>([
        { origin: 'http://evil.test' },
        { origin: 'null' },
        { origin: 'x' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { host: 'evil.test' },
        { host: '127.0.0.1.evil.test:80' },
      ]),
    },
  }),
  (draw, { token }) => ({
    fault: 'another host',
    method: 'GET',
    path: draw(paths),
    headers: {
      ...withToken(token),
      host: draw([
        'evil.test',
        'localhost.evil.test',
        '10.0.0.1',
        'x'.repeat(300),
        '127.999.999.999',
        '127.0.0.1:99999',
        '[::1',
        '127.0.0.1@evil.test',
      ]),
    },
    body: undefined,
  }),
  (draw) => ({
    fault: 'a read without the token',
    method: 'GET',
    path: draw([...paths, '/metrics', '/api/config-schema', '/api/openapi.json']),
    headers: draw<Record<string, string>>([{}, { authorization: 'Bearer' }, { cookie: 'token=x' }]),
    body: undefined,
  }),
  (draw, { token }) => ({
    fault: 'a read by a page of another site',
    method: 'GET',
    path: draw(paths),
    headers: {
      ...withToken(token),
      'sec-fetch-site': draw(['cross-site', 'same-site']),
      'sec-fetch-mode': draw(['cors', 'no-cors']),
    },
    body: undefined,
  }),
];

/** Writes that would change something. */
function validWrites(
  runId: string,
  jobId: string,
  submission: object,
): { readonly path: string; readonly body: string }[] {
  return [
    { path: '/api/runs', body: JSON.stringify(submission) },
    { path: `/api/runs/${runId}/controls/resume`, body: '{}' },
    { path: `/api/queues/berth-jobs/jobs/${jobId}/retry`, body: '{}' },
  ];
}

/** A copy in which one value is of no use, or one key too many. */
function spoil(config: object, draw: Draw): object {
  const copy = structuredClone(config) as Record<string, unknown>;
  let node = copy;
  for (;;) {
    const key = draw(Object.keys(node));
    const child = node[key];
    if (typeof child === 'object' && child !== null && draw([true, true, false])) {
      node = child as Record<string, unknown>;
      continue;
    }
    if (draw([true, false])) node[`${key}${draw(['2', ' ', 'x'])}`] = 1;
    else node[key] = draw([null, [], [{}], ...(typeof child === 'number' ? [-1e308, 'many'] : [])]);
    return copy;
  }
}

/** For a path or query: as it is where that makes a request at all. */
function encode(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) && !/[?#/&=]/.test(text) ? text : encodeURIComponent(text);
}
