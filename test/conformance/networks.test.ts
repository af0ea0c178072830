import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { decodeNetwork, encodeHalfNetwork, encodeSteppedNetwork } from '../../codec/index.ts';
import { describeNetwork, type NetworkVector } from './network-vectors.ts';
import { sha256 } from './vectors.ts';

const folder = join(import.meta.dirname, 'vectors');
const manifest: NetworkVector[] = JSON.parse(readFileSync(join(folder, 'networks.json'), 'utf8'));

it('golden network files decode to the same weights, and those encode to the same bytes', () => {
  expect(manifest.length).toBeGreaterThanOrEqual(13);
  for (const vector of manifest) {
    const bytes = new Uint8Array(readFileSync(join(folder, vector.file)));
    expect(sha256(bytes), vector.file).toBe(vector.fileSha256);
    expect(describeNetwork(vector.file, bytes)).toEqual(vector);
    const { weights, stepped, coding: _, ...header } = decodeNetwork(bytes);
    const again = stepped ? encodeSteppedNetwork(header, stepped) : encodeHalfNetwork(header, weights);
    expect(again, vector.file).toEqual(bytes);
  }
});
