import { expect, it } from 'vitest';
import { writeFileHeader } from '../codec/header.ts';
import { modelOfFile, modelOfNetwork, type ServerContext } from './context.ts';

it('a file finds its model by the digest of the model or of its network, as on the command line', () => {
  const served = {
    name: 'mine',
    id: 'a'.repeat(64),
    networkId: 'b'.repeat(64),
    perSymbol: { factorized: 1 },
  };
  const learntAnew = { ...served, name: 'anew', id: 'd'.repeat(64), perSymbol: {} };
  const context = { catalogue: { models: [learntAnew, served] } } as unknown as ServerContext;
  const fileOf = (modelDigest: string) =>
    writeFileHeader({ modelDigest, prior: 'factorized', quality: 50, shape: [28, 28] });
  const find = (digest: string) => modelOfFile(context, fileOf(digest.repeat(64)), { namespace: 'default' });
  expect([find('a'), find('b')]).toEqual([served, served]);
  expect(modelOfNetwork(context, { networkId: served.networkId, namespace: undefined })).toBe(served);
  expect(() => find('c')).toThrow(expect.objectContaining({ code: 'model-not-here' }));
});
