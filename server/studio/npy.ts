/** Arrays as NumPy writes them: float32 and uint8, in the order of C. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Uint8Array;
}

/** Throws where it is another kind of array. */
export function parseNpy(bytes: Uint8Array): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [length, start] = bytes[6] === 1 ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12];
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const kind = /'descr': '([^']+)'/.exec(header)?.[1];
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number);
  const data = bytes.slice(start + length);
  if (kind === '<f4') return { shape, values: new Float32Array(data.buffer) };
  if (kind === '|u1') return { shape, values: data };
  throw new Error(`an array of ${kind ?? 'nothing known'} is not shown`);
}
