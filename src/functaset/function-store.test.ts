import { join } from 'node:path';
import { temporary } from '../../test/temporary.ts';
import { functionStoreOf } from './function-store.ts';
import { openFunctaset } from './store.ts';
import { functasetContract } from './test-contract.ts';
import { damageRecord, testNetwork } from './testing.ts';

functasetContract('lmdb', async () => {
  const path = join(temporary(), 'set');
  return {
    open: async (options) =>
      functionStoreOf(await openFunctaset(path, { network: testNetwork(), ...options })),
    damage: (id) => damageRecord(path, id),
  };
});
