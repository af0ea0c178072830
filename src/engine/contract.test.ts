/** The contract, held by every engine. One process: what the reference answers, which takes longest, is computed once for all of them. */
import { engineContract } from './contract.ts';
import { loadNative, openNative } from './native/native.ts';
import { openReference } from './reference/reference.ts';
import { openTensorFlow } from './tfjs/backend.ts';
import { openTfjs } from './tfjs/tfjs.ts';
import { openWasm } from './wasm/wasm.ts';

for (const isa of loadNative().instructionSets()) {
  engineContract(`native, ${isa}`, (options) => openNative({ ...options, isa }), { asynchronous: true });
}
engineContract('native, blocking', () => openNative({ blocking: true }), { threaded: false });

engineContract('wasm', openWasm, { asynchronous: true });

engineContract('tfjs', async () => openTfjs((await openTensorFlow()).tf), {
  exactOverlap: false,
  threaded: false,
});

engineContract('reference', openReference, { threaded: false, isReference: true });
