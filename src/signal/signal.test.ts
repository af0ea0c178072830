import { describe, expect, it, test } from 'vitest';
import {
  checkFinite,
  checkSignal,
  countMissing,
  heldOf,
  perUnitOf,
  signalFromBytes,
  signalKeeping,
  signalToBytes,
} from './signal.ts';

const meta = { id: 'x', shape: [2, 2], channels: 1 };

describe('a signal', () => {
  test('every byte survives the way to [0, 1] and back', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const signal = signalFromBytes(bytes, { id: 'x', shape: [16, 16], channels: 1 });
    expect(signal.values[0]).toBe(0);
    expect(signal.values[255]).toBe(1);
    expect(signalToBytes(signal)).toEqual(bytes);
  });

  test('values outside [0, 1] are clamped and missing ones become 0', () => {
    const values = Float32Array.of(-0.5, 7, Number.NaN, 0.5);
    expect([...signalToBytes({ ...meta, values })]).toEqual([0, 255, 0, 128]);
  });

  test('no points, no channels, or values that do not match are refused', () => {
    const values = new Float32Array(4);
    expect(() => checkSignal({ ...meta, values })).not.toThrow();
    expect(() => checkSignal({ ...meta, shape: [0, 4], values })).toThrow(/no points/);
    expect(() => checkSignal({ ...meta, shape: [], values })).toThrow(/no points/);
    expect(() => checkSignal({ ...meta, channels: 0, values })).toThrow(/channels/);
    expect(() => checkSignal({ ...meta, shape: [3, 2], values })).toThrow(/needs 6/);
  });

  test('an infinite value is refused with its index; NaN passes and is counted as missing', () => {
    const values = Float32Array.of(0, Number.NaN, Number.NEGATIVE_INFINITY);
    expect(() => checkFinite(values, 'x')).toThrow('x: value 2 is -Infinity');
    expect(() => checkFinite(values.subarray(0, 2), 'x')).not.toThrow();
    expect(countMissing(values)).toBe(1);
  });
});

describe('a signal that keeps its bytes', () => {
  const bytes = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
  const meta = { id: 'kept', shape: [2, 2], channels: 3 };
  const { values } = signalFromBytes(bytes, meta);

  it('has the values of one that does not, and holds one of the two', () => {
    const kept = signalKeeping(bytes, meta);
    expect(heldOf(kept)).toBe(bytes);
    expect(Array.from(heldOf(kept), (byte) => Math.fround(byte / perUnitOf(heldOf(kept))))).toEqual([
      ...values,
    ]);
    expect(kept.values).toEqual(values);
    expect(kept.bytes).toBeUndefined();
    // What is written to them stays.
    kept.values[3] = Number.NaN;
    expect(heldOf(kept)[3]).toBeNaN();
  });

  it('has the values alone in a copy', () => {
    const copy = { ...signalKeeping(bytes, meta), id: 'copy' };
    expect(copy.bytes).toBeUndefined();
    expect(copy.values).toEqual(values);
  });

  it('may keep samples of 16 bits', () => {
    const words = Int16Array.of(-32768, 0, 16384, 32767);
    const kept = signalKeeping(words, { id: 'words', shape: [4], channels: 1 });
    expect(heldOf(kept)).toBe(words);
    expect(perUnitOf(words)).toBe(32768);
    expect([...kept.values]).toEqual([-1, 0, 0.5, 32767 / 32768]);
    expect(kept.words).toBeUndefined();
    expect({ ...signalKeeping(words, { id: 'words', shape: [4], channels: 1 }) }.words).toBeUndefined();
  });

  it('is refused where the shape does not fit', () => {
    expect(() => signalKeeping(bytes, { ...meta, channels: 1 })).toThrow('needs 4');
  });
});
