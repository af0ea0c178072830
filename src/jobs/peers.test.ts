import { describe, expect, it } from 'vitest';
import { openDataset } from '../../datasets/registry.ts';
import { checkPeers } from './peer-names.ts';
import { Peer } from './peers.ts';
import { all } from './testing.ts';

describe('peers', () => {
  it('are found at the PSNR asked for, and cost more the higher it is', async () => {
    const pictures = await all(await openDataset('fixture-emoji', 'train'));
    for (const name of ['jpeg', 'webp'] as const) {
      const peer = new Peer(name, pictures);
      const [low, high] = [await peer.at(26), await peer.at(30)];
      expect([low!.at, high!.at]).toEqual(['interpolated', 'interpolated']);
      expect(low!.psnrDb).toBeCloseTo(26, 9);
      expect(high!.bytes).toBeGreaterThan(low!.bytes);
      expect(low!.bytesWithoutFixedPart).toBeCloseTo(low!.bytes - low!.fixedBytes, 9);
    }
  });

  it('say when they do not reach a PSNR', async () => {
    const pictures = (await all(await openDataset('fixture-fashion', 'test'))).slice(0, 3);
    const peer = new Peer('webp', pictures);
    expect((await peer.at(1)).at).toBe('lowest');
    expect((await peer.at(99)).at).toBe('highest');
  });

  it('do not apply to pictures they cannot hold', () => {
    const picture = { id: 'x', shape: [2, 2], channels: 4, values: new Float32Array(16) };
    expect(new Peer('jpeg', [picture]).applies).toBe(false);
    expect(new Peer('webp', [picture]).applies).toBe(true);
    expect(() => checkPeers(['jpeg', 'gif'])).toThrow(expect.objectContaining({ code: 'unknown-peer' }));
  });
});
