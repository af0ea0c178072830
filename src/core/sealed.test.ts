import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seal, sealJson, unseal, unsealJson } from './sealed.ts';

const about = { what: 'state.bin', remedy: 'begin again' };
const tagged = expect.objectContaining({ name: 'BadStreamError', code: expect.stringMatching(/^seal-/) });

describe('a sealed file', () => {
  it('gives back what was sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(unseal('thing/1', seal('thing/1', bytes), about)).toEqual(bytes);
      }),
    );
    expect(unsealJson('note/2', sealJson('note/2', { a: [1, 'ü'] }), about)).toEqual({ a: [1, 'ü'] });
  });

  it('is refused after any edit of one byte', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (payload, place, change) => {
        const sealed = seal('thing/1', payload);
        sealed[place % sealed.length]! ^= change;
        expect(() => unseal('thing/1', sealed, about)).toThrow(tagged);
      }),
      { numRuns: 2000 },
    );
  });

  it('is refused where a byte is missing or one too many', () => {
    const sealed = seal('thing/1', Uint8Array.from([1, 2, 3]));
    for (let length = 0; length < sealed.length; length++)
      expect(() => unseal('thing/1', sealed.slice(0, length), about)).toThrow(tagged);
    expect(() => unseal('thing/1', Uint8Array.from([...sealed, 10]), about)).toThrow(tagged);
    expect(() => unseal('thing/1', sealed.slice(1), about)).toThrow(tagged);
  });

  it('is refused as one of another format or version, and says what to do', () => {
    const sealed = seal('thing/1', Uint8Array.from([1]));
    expect(() => unseal('thing/2', sealed, about)).toThrow(/^state\.bin .*another version; begin again/);
    expect(() => unseal('other/1', sealed, about)).toThrow(tagged);
  });
});
