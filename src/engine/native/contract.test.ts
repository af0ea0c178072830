import { engineContract } from '../contract.ts';
import { loadNative, openNative } from './native.ts';

for (const isa of loadNative().instructionSets()) {
  engineContract(`native, ${isa}`, (options) => openNative({ ...options, isa }), { asynchronous: true });
}

engineContract('native, blocking', () => openNative({ blocking: true }), { threaded: false });
