import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOfBody, readForm } from './form.ts';

function formOf(boundary: string, parts: readonly (readonly [head: string, body: string])[]): Buffer {
  const text = parts.map(
    ([head, body]) => `--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`,
  );
  return Buffer.from(`${text.join('')}--${boundary}--\r\n`);
}

async function* cutAt(bytes: Uint8Array, sizes: readonly number[]) {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });

test('two forms that differ in their boundary alone have one digest, however they come', async () => {
  const digest = async (boundary: string, body: string, pieces: readonly number[]) => {
    const own = digestOfBody(`multipart/form-data; boundary=${boundary}`);
    for await (const piece of cutAt(formOf(boundary, [['name="a"; filename="a"', body]]), pieces))
      own.update(piece);
    return own.digest();
  };
  await fc.assert(
    fc.asyncProperty(sizes, sizes, fc.constantFrom('--x', 'xx-xx-x', '', '--xx-'), async (one, two, body) => {
      expect(await digest('xx-xx-xy', body, one)).toBe(await digest('----0123456789', body, two));
      expect(await digest('xx-xx-xy', body, one)).not.toBe(await digest('xx-xx-xy', `${body}!`, two));
    }),
    { numRuns: 60 },
  );
  expect(() => digestOfBody('multipart/form-data')).toThrow('names no boundary');
  expect(() => digestOfBody(`multipart/form-data; boundary=${'a'.repeat(71)}`)).toThrow('may have 70');
});

const read = (bytes: Uint8Array, keep = gathered, type = 'multipart/form-data; boundary=b') =>
  readForm(cutAt(bytes, [7, 30]), type, { field: 'job', fieldBytes: 40, keep });

async function gathered(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}

const job = ['name="job"', '{"kind":"encode"}'] as const;
const file = ['name="file"; filename="a.png"', 'the bytes of a picture, more than a piece'] as const;

test('a form of a field and a file is read in either order', async () => {
  for (const parts of [
    [job, file],
    [file, job],
  ])
    expect(await read(formOf('b', parts))).toEqual({ field: job[1], file: file[1] });
  expect(await read(formOf('b', [job]))).toEqual({ field: job[1], file: undefined });
});

test('any bytes: a form, or a tagged error, and whoever keeps the file hears of it', async () => {
  const whole = formOf('b', [job, file]);
  const bad: Uint8Array[] = [
    formOf('b', [job, job]),
    formOf('b', [file, file]),
    formOf('b', [['name="other"', 'x']]),
    formOf('b', [['name="job"', 'x'.repeat(41)]]),
    formOf('c', [job]),
    Buffer.from('no form'),
  ];
  for (const bytes of bad)
    await expect(read(bytes), bytes.toString()).rejects.toMatchObject({ code: 'bad-multipart' });
  for (let end = 0; end < whole.length - 4; end++) {
    let heard: unknown = 'nothing began';
    const keep = (pieces: AsyncIterable<Uint8Array>) => {
      heard = undefined;
      return gathered(pieces).catch((error) => {
        heard = error;
        throw error;
      });
    };
    await expect(read(whole.subarray(0, end), keep), String(end)).rejects.toMatchObject({
      code: 'bad-multipart',
    });
    expect(heard, String(end)).not.toBe(undefined);
  }
  await expect(read(whole, gathered, 'multipart/form-data')).rejects.toMatchObject({ code: 'bad-multipart' });
  const full = new Error('no room');
  await expect(read(whole, () => Promise.reject(full))).rejects.toBe(full);
});
