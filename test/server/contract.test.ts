/** What the OpenAPI document says, held against what the service does, for requests that nobody would send. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import {
  type ApiDocument,
  documentOf,
  furnish,
  type Known,
  type Operation,
  operationsOf,
  requestFor,
} from './every-route.ts';
import { prepare, type Serving } from './serving.ts';

vi.setConfig({ testTimeout: 3_000_000 });

/** Requests of the fuzzer. */
const all = process.env.FUNCTA_TESTS === 'all';
const requests = Number(process.env.FUNCTA_FUZZ_RUNS ?? (all ? 100_000 : 250));
const seed = Number(process.env.FUNCTA_FUZZ_SEED ?? 1);

let serving: Serving;
let server: RunningServer;
let document: ApiDocument;
let known: Known;
let operations: Operation[];
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start({ home: join(serving.directory, 'outer', 'home'), graceMs: 500 });
  document = await documentOf(server.url);
  known = await furnish(server.url);
  // streams of events end when their jobs do, and a job takes longer than a test
  operations = operationsOf(document).filter(({ path }) => !path.endsWith('/events') && path !== '/v1/jobs');
}, 200_000);

afterAll(async () => {
  agent.destroy();
  await serving.stop();
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** Sends a target as it is written: `fetch` would tidy it. */
function send(
  method: string,
  target: string,
  headers: Record<string, string>,
  body?: Uint8Array | string,
): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: target, headers, agent }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const type = (response.headers['content-type'] ?? '').split(';', 1)[0]!;
        resolve({ status: response.statusCode!, type, body: Buffer.concat(pieces) });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function schemas() {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'api');
  return ajv;
}

/** What is wrong with an answer, by the document; undefined: nothing. */
function answerChecker(): (operation: Operation, answer: Answer) => string | undefined {
  const ajv = schemas();
  const compiled = new Map<string, ReturnType<typeof ajv.compile>>();
  return ({ method, path, described }, { status, type, body }) => {
    const said = described.responses[String(status)];
    if (said === undefined) return `status ${status} is not documented: ${body.subarray(0, 200)}`;
    if (method === 'HEAD' || body.length === 0) return undefined;
    const content = said.content ?? {};
    if (!(type in content)) return `status ${status} as ${type}, which is not documented`;
    if (!type.endsWith('json')) return undefined;
    const pointer = [
      'paths',
      path,
      method.toLowerCase(),
      'responses',
      String(status),
      'content',
      type,
      'schema',
    ];
    const reference = `api#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
    let check = compiled.get(reference);
    if (check === undefined) {
      check = ajv.compile({ $ref: reference });
      compiled.set(reference, check);
    }
    return check(JSON.parse(body.toString()))
      ? undefined
      : `${status} ${type}: ${ajv.errorsText(check.errors)}`;
  };
}

it('is a document of OpenAPI 3.1 whose operations have names of their own and true examples', async () => {
  const found = await new Validator().validate(
    structuredClone(document) as unknown as Record<string, unknown>,
  );
  expect(JSON.stringify(found.errors ?? []).slice(0, 2000)).toBe('[]');
  const every = operationsOf(document);
  const names = every.map(({ described }) => described.operationId);
  expect(names).not.toContain(undefined);
  expect(new Set(names).size).toBe(names.length);
  const ajv = schemas();
  const faults = every.flatMap((operation) => {
    const content = Object.entries(operation.described.requestBody?.content ?? {})[0];
    if (content?.[0] !== 'application/json') return [];
    const { init } = requestFor(operation, document, known);
    const check = ajv.compile({ $ref: 'api#/components/schemas/Problem' });
    const schema = content[1].schema as { $ref?: string } | undefined;
    const own = schema?.$ref === undefined ? check : ajv.compile({ $ref: `api${schema.$ref}` });
    if (init.body === undefined) return [`${operation.path}: no example`];
    if (schema?.$ref === undefined) return [];
    return own(JSON.parse(init.body as string)) ? [] : [`${operation.path}: ${ajv.errorsText(own.errors)}`];
  });
  expect(faults).toEqual([]);
});

it('says of every answer what a client is told that holds it, and of a job what it keeps of a request', async () => {
  const check = answerChecker();
  const faults: (string | undefined)[] = [];
  const asked = async (operation: Operation, headers: Record<string, string>) => {
    const { path, init } = requestFor(operation, document, known);
    const body = init.body as Uint8Array | undefined;
    const answer = await send(operation.method, path, { ...init.headers, ...headers }, body);
    const wrong = check(operation, answer);
    if (wrong !== undefined) faults.push(`${operation.method} ${operation.path}: ${wrong}`);
    return answer;
  };
  const answers = await Promise.all(
    operations.filter(({ method }) => method === 'GET').map((one) => asked(one, { 'if-none-match': '*' })),
  );
  expect(answers.filter(({ status }) => status === 304).length).toBeGreaterThanOrEqual(6);
  const add = operations.find(
    ({ method, path }) => method === 'POST' && path === '/v1/functasets/{s}/functions',
  )!;
  const later = { prefer: 'respond-async' };
  expect((await asked(add, { ...later, 'content-type': '' })).status).toBe(202);
  expect((await asked(add, { ...later, 'content-type': `image/png; a=${'x'.repeat(300)}` })).status).toBe(
    415,
  );
  expect(faults).toEqual([]);
});

const paths = [
  '..',
  '../..',
  '..%2f..%2f..',
  '%2e%2e',
  '%2e%2e%2f%2e%2e%2foutside',
  '..%5c..%5coutside',
  '....//outside',
  '/etc/passwd',
  '%2fetc%2fpasswd',
  '.%00',
  'outside%00.png',
  '%c0%ae%c0%ae',
  '%ff',
  'C:%5cWindows',
  'CON',
  '~',
  '~root',
  '.',
  '%20',
  '-rf',
  'a%2fb',
  '%252e%252e%252f',
  'data.mdb',
  '%E2%80%A6',
  'x'.repeat(300),
];

it('takes no name for a path out of its home', async () => {
  const outer = join(serving.directory, 'outer');
  mkdirSync(join(outer, 'outside'), { recursive: true });
  writeFileSync(join(outer, 'outside', 'secret.png'), 'the secret of the outside');
  const before = readdirSync(outer, { recursive: true }).filter((name) => !String(name).startsWith('home'));
  const check = answerChecker();
  const faults: string[] = [];
  for (const operation of operations.filter(({ path }) => path.includes('{'))) {
    const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
    const { init, path } = requestFor(operation, document, known);
    const last = names.at(-1)!;
    for (const [at, name] of paths.entries()) {
      // each name takes each place now and then
      const place = at % 2 === 0 ? last : names[at % names.length]!;
      const target = operation.path.replaceAll(/\{(\w+)\}/g, (_, own: string) =>
        own === place ? name : known.names[own]!,
      );
      const query = path.includes('?') ? path.slice(path.indexOf('?')) : '';
      const answer = await send(
        operation.method,
        `${target}${query}`,
        init.headers,
        init.body as Uint8Array | undefined,
      );
      const isOurs = answer.type === 'application/problem+json' && JSON.parse(answer.body.toString()).code;
      const label = `${operation.method} ${target.slice(0, 80)}: ${answer.status} ${isOurs}`;
      if (answer.status >= 500) faults.push(label);
      if (/root:|secret of the outside/.test(answer.body.toString('latin1')) && answer.status < 300)
        faults.push(`read: ${label}`);
      if (
        !['no-such-path', 'method-not-allowed'].includes(isOurs) &&
        new URL(target, 'http://h').pathname.split('/').length === operation.path.split('/').length
      ) {
        const wrong = answer.status === 400 ? undefined : check(operation, answer);
        if (wrong !== undefined) faults.push(`${label}: ${wrong}`);
      }
    }
  }
  expect(faults).toEqual([]);
  expect(readdirSync(outer, { recursive: true }).filter((name) => !String(name).startsWith('home'))).toEqual(
    before,
  );
  // and of the home itself, what names are made of
  const made = readdirSync(join(outer, 'home'), { recursive: true }).map(String);
  expect(made.filter((name) => !/^[\w./-]+$/.test(name) || name.includes('..'))).toEqual([]);
});

const text = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e9',
    'NaN',
    'null',
    'true',
    '4x',
    '0x0',
    '99999999x2',
    'y=0:4,x=0:4',
    '*',
    '"',
    "'",
    '\u202e',
    '%',
  ),
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.integer().map(String),
);

/** A valid request, with something of it changed. */
const twist = fc.record({
  which: fc.nat(),
  query: fc.option(fc.array(fc.tuple(fc.nat(), text), { maxLength: 3 }), { nil: [] }),
  strange: fc.option(fc.tuple(fc.string({ minLength: 1, maxLength: 8 }), text), { nil: undefined, freq: 8 }),
  accept: fc.option(
    fc.constantFrom(
      '*/*',
      'image/png',
      'application/json',
      'text/plain',
      'application/vnd.functa',
      ';q',
      'image/*;q=0',
    ),
    { nil: undefined },
  ),
  type: fc.option(
    fc.constantFrom(
      'image/png',
      'application/json',
      'multipart/form-data',
      'multipart/form-data; boundary=x',
      'text/plain',
      '',
    ),
    { nil: undefined, freq: 4 },
  ),
  headers: fc.dictionary(
    fc.constantFrom(
      'if-match',
      'if-none-match',
      'if-range',
      'range',
      'idempotency-key',
      'prefer',
      'last-event-id',
      'x-request-id',
      'origin',
      'content-encoding',
    ),
    fc.oneof(
      fc.constantFrom('*', '"x"', 'W/"x"', 'bytes=0-5', 'bytes=5-0', 'bytes=-0', 'respond-async', ''),
      fc.stringMatching(/^[ -~]{0,30}$/),
    ),
    { maxKeys: 2 },
  ),
  body: fc.oneof(
    { weight: 3, arbitrary: fc.constant({ as: 'valid' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        as: fc.constant('flip' as const),
        at: fc.nat(),
        bits: fc.integer({ min: 1, max: 255 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ as: fc.constant('cut' as const), at: fc.nat() }) },
    {
      weight: 2,
      arbitrary: fc.record({
        as: fc.constant('member' as const),
        at: fc.nat(),
        value: fc.jsonValue({ maxDepth: 2 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ as: fc.constant('json' as const), value: fc.jsonValue({ maxDepth: 3 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ as: fc.constant('bytes' as const), bytes: fc.uint8Array({ maxLength: 200 }) }),
    },
  ),
  name: fc.option(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(...paths), text.map(encodeSafely))), {
    nil: undefined,
    freq: 4,
  }),
});

type Twist = typeof twist extends fc.Arbitrary<infer T> ? T : never;

it(`answers ${requests} requests that are nearly right as it says it does, and none with 500`, async () => {
  const check = answerChecker();
  const faults = new Map<string, string>();
  const steps = fc.sample(twist, { numRuns: requests, seed });
  const started = performance.now();
  const lanes = Array.from({ length: 4 }, async () => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const operation = operations[step.which % operations.length]!;
      // what the others are about stays
      if (operation.method === 'DELETE' && step.name === undefined) continue;
      const { target, headers, body } = twisted(operation, step);
      const answer = await send(operation.method, target, headers, body).catch(
        (error: NodeJS.ErrnoException) => error,
      );
      if (answer instanceof Error) {
        if (
          !['ERR_UNESCAPED_CHARACTERS', 'ERR_INVALID_CHAR', 'ECONNRESET', 'EPIPE'].includes(answer.code ?? '')
        )
          throw answer;
        continue;
      }
      const label = `${operation.method} ${operation.path}`;
      const code = answer.type === 'application/problem+json' ? JSON.parse(answer.body.toString()).code : '';
      if (answer.status === 500) faults.set(`${label} 500 ${code}`, target.slice(0, 200));
      // a name of dots is a way to another route, by the rules of addresses
      if (new URL(target, 'http://h').pathname.split('/').length !== operation.path.split('/').length)
        continue;
      if (['no-such-path', 'method-not-allowed', 'malformed-request'].includes(code)) continue;
      const wrong = check(operation, answer);
      if (wrong !== undefined)
        faults.set(
          `${label} ${wrong.slice(0, 160)}`,
          `${target.slice(0, 120)} ${JSON.stringify(headers).slice(0, 200)}`,
        );
    }
  });
  await Promise.all(lanes);
  if (all)
    console.log(
      `${requests} requests in ${Math.round((performance.now() - started) / 1000)} s, seed ${seed}`,
    );
  expect(Object.fromEntries(faults)).toEqual({});
  expect((await send('GET', '/readyz', {})).status).toBe(200);
});

function twisted(
  operation: Operation,
  step: Twist,
): { target: string; headers: Record<string, string>; body: Uint8Array | undefined } {
  const { path, init } = requestFor(operation, document, known);
  const offered = operation.described.parameters?.filter(({ in: place }) => place === 'query') ?? [];
  const query = new URLSearchParams(path.split('?')[1]);
  if (offered.length > 0)
    for (const [at, value] of step.query) query.set(offered[at % offered.length]!.name, value);
  if (step.strange !== undefined) query.append(...step.strange);
  let target = path.split('?')[0]!;
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  if (step.name !== undefined && names.length > 0) {
    const [at, name] = step.name;
    const place = names[at % names.length]!;
    target = operation.path.replaceAll(/\{(\w+)\}/g, (_, own: string) =>
      own === place ? name : known.names[own]!,
    );
  }
  const headers = { ...init.headers, ...step.headers };
  if (step.accept !== undefined) headers.accept = step.accept;
  if (step.type !== undefined) headers['content-type'] = step.type;
  const text = query.toString();
  const body = init.body === undefined ? undefined : bodyOf(Buffer.from(init.body as string), step.body);
  return { target: text === '' ? target : `${target}?${text}`, headers, body };
}

function bodyOf(valid: Buffer, change: Twist['body']): Uint8Array {
  const changed = Buffer.from(valid);
  switch (change.as) {
    case 'valid':
      return valid;
    case 'flip':
      if (changed.length > 0) changed[change.at % changed.length]! ^= change.bits;
      return changed;
    case 'cut':
      return changed.subarray(0, change.at % (changed.length + 1));
    case 'member': {
      if (valid[0] !== 0x7b) return valid;
      const values = JSON.parse(valid.toString()) as Record<string, unknown>;
      const members = Object.keys(values);
      return Buffer.from(
        JSON.stringify({ ...values, [members[change.at % members.length] ?? 'x']: change.value }),
      );
    }
    case 'json':
      return Buffer.from(JSON.stringify(change.value));
    case 'bytes':
      return change.bytes;
  }
}

/** In the path of a request; a lone surrogate has no bytes. */
function encodeSafely(name: string): string {
  return encodeURIComponent(name.replace(/\p{Cs}/gu, '?'));
}
