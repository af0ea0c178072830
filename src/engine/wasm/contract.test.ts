import { engineContract } from '../contract.ts';
import { openWasmInline } from './inline.ts';
import { openWasm, readWasm } from './wasm.ts';

engineContract('wasm', openWasm, { asynchronous: true });
engineContract('wasm in one thread', async () => openWasmInline(await readWasm()));
