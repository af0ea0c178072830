import { expect, it } from 'vitest';
import { writeFileHeader } from '../codec/header.ts';
import { modelOfFile, type ServerContext } from './context.ts';

it('a file finds its model by the digest of the model or of its network, as on the command line', () => {
  const served = { name: 'mine', id: 'a'.repeat(64), networkId: 'b'.repeat(64) };
  const context = { catalogue: { models: [served] } } as unknown as ServerContext;
  const fileOf = (modelDigest: string) =>
    writeFileHeader({ modelDigest, prior: 'factorized', quality: 50, shape: [28, 28] });
  const find = (digest: string) => modelOfFile(context, fileOf(digest.repeat(64)), { namespace: 'default' });
  expect([find('a'), find('b')]).toEqual([served, served]);
  expect(() => find('c')).toThrow(expect.objectContaining({ code: 'model-not-here' }));
});
