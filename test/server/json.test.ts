import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { parseJson, sizeOfJson } from '../../server/json.ts';
import { classifyBody } from '../../server/routes/classify.ts';
import { combineBody } from '../../server/routes/combine.ts';
import { completeBody } from '../../server/routes/complete.ts';
import { sampleBody } from '../../server/schemas.ts';
import { queryRequest } from '../../src/query/request.ts';
import { prepare, type Serving } from './serving.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const encoder = new TextEncoder();
const bodies = { combineBody, completeBody, classifyBody, sampleBody, queryRequest };

/** Values, members and levels of a parsed value. */
function sizeOf(value: unknown): { values: number; members: number; depth: number } {
  if (value === null || typeof value !== 'object') return { values: 1, members: 0, depth: 0 };
  const inner = Object.values(value).map(sizeOf);
  const sum = (key: 'values' | 'members') => inner.reduce((total, each) => total + each[key], 0);
  return {
    values: 1 + sum('values'),
    members: (Array.isArray(value) ? 0 : inner.length) + sum('members'),
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
  };
}

describe('the size of JSON', () => {
  it('is never less than what parsing makes of it, and hardly more', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, space) => {
        const asked = sizeOfJson(encoder.encode(JSON.stringify(value, null, space)));
        const made = sizeOf(value);
        expect(asked.members).toBe(made.members);
        expect(asked.depth).toBe(made.depth);
        expect(asked.values).toBeGreaterThanOrEqual(made.values);
        expect(asked.values).toBeLessThanOrEqual(2 * made.values);
      }),
      { numRuns: 500 },
    );
  });

  it('is found of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { values, depth } = sizeOfJson(bytes);
        expect(values).toBeLessThanOrEqual(bytes.length + 1);
        expect(depth).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['json-values', `[${'0,'.repeat(101)}0]`],
    ['json-members', `{${Array.from({ length: 11 }, (_, i) => `"${i}":0`)}}`],
    ['json-depth', '['.repeat(1000)],
  ])('is refused before parsing: %s', (limit, text) => {
    const limits = { jsonValues: 100, jsonMembers: 10 };
    expect(() => parseJson(encoder.encode(text), limits)).toThrowError(expect.objectContaining({ limit }));
  });
});

describe('schemas', () => {
  it.each(Object.entries(bodies))('%s: every list is bounded before its items are looked at', (_, schema) => {
    expect(openLists(schema)).toEqual([]);
  });

  it('finds a list that is not', async () => {
    const { z } = await import('zod');
    const schema = z.strictObject({ a: z.object({ b: z.array(z.number()).max(9).optional() }) });
    expect(openLists(schema)).toEqual(['a.b']);
  });
});

describe('JSON that is wrong many times over', () => {
  let serving: Serving;
  let server: RunningServer;
  beforeAll(async () => {
    serving = await prepare();
    server = await serving.start();
  });
  // it throws when one of these kept the event loop for 50 ms
  afterAll(() => serving.stop());

  const many = <T>(value: T, count = 19_000) => new Array<T>(count).fill(value);
  const query = '/v1/functasets/shoes/query';

  it.each([
    ['coordinates', query, { kind: 'evaluate', coordinates: many('x') }, 422],
    ['coordinates of rows', query, { kind: 'evaluate', coordinates: many(['x'], 4096) }, 422],
    ['values', query, { kind: 'near', signal: { shape: [19_000], values: many('x') } }, 422],
    ['a mask', query, { kind: 'near', id: 'a', mask: many(2) }, 422],
    ['ids', query, { kind: 'where', filter: { ids: many(1, 10_000) } }, 422],
    ['labels', query, { kind: 'where', filter: { labels: many({}, 9_000) } }, 422],
    ['a region', query, { kind: 'similar_region', id: 'a', region: { start: many(-1), count: [1] } }, 422],
    ['a size', query, { kind: 'aggregate', size: many('x') }, 422],
    ['conditions', query, { kind: 'where', filter: { field: many(1) } }, 422],
    ['too many values', query, { kind: 'near', id: 'a', mask: many(1, 100_000) }, 413],
    ['a deep value', query, `${'['.repeat(100_000)}`, 413],
    ['members', query, `{${Array.from({ length: 5000 }, (_, i) => `"k${i}":0`)}}`, 413],
    ['a long member', query, { kind: 'where', ['x'.repeat(500_000)]: 1 }, 422],
    ['base64', query, { kind: 'near', signal: { file: '!'.repeat(500_000) } }, 422],
    ['points', '/v1/models/tiny/complete', { points: many([], 9_000) }, 422],
    ['rows of points', '/v1/models/tiny/complete', { points: [many('x')] }, 422],
    ['ids to combine', '/v1/functasets/shoes/combine', { kind: 'mean', ids: many(0) }, 422],
    ['weights', '/v1/functasets/shoes/combine', { kind: 'mean', ids: ['a'], weights: many('x') }, 422],
    ['ids to classify', '/v1/functasets/shoes/classify', { ids: many(0) }, 422],
    ['more bytes than a route takes', query, { kind: 'near', id: 'x'.repeat(2 ** 20) }, 413],
    ['more bytes than a sample takes', '/v1/models/tiny/sample', { prior: 'x'.repeat(2 ** 14) }, 413],
  ])('%s: refused at the first fault, in a short line', async (_, path, body, status) => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    expect([response.status, text.slice(0, 200)]).toEqual([status, expect.any(String)]);
    expect(text.length).toBeLessThan(700);
    expect((JSON.parse(text) as { code: string }).code).not.toBe('bug');
  });
});

interface Definition {
  readonly type: string;
  readonly shape?: Record<string, unknown>;
  readonly element?: unknown;
  readonly options?: readonly unknown[];
  readonly innerType?: unknown;
  readonly in?: unknown;
  readonly out?: unknown;
}

/** Paths of the lists whose items zod would look at before their number. */
function openLists(schema: unknown, path = '', bounded = false): string[] {
  const { def } = (schema as { _zod: { def: Definition } })._zod;
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape!).flatMap(([name, member]) =>
        openLists(member, path === '' ? name : `${path}.${name}`),
      );
    case 'array':
      return [...(bounded ? [] : [path]), ...openLists(def.element, `${path}[]`)];
    case 'union':
      return def.options!.flatMap((option) => openLists(option, path));
    case 'pipe': {
      const before = (def.in as { _zod: { def: Definition } })._zod.def.type === 'transform';
      return [...openLists(def.in, path), ...openLists(def.out, path, before)];
    }
    default:
      return def.innerType === undefined ? [] : openLists(def.innerType, path, bounded);
  }
}
