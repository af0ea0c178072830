/**
 * Modulations out, for PyTorch (`safetensors.torch.load_file`) and NumPy (`numpy.load`), and back in:
 * `pytorch.ts modulations.safetensors`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import {
  createFunctaset,
  exportModulations,
  functionsOfSafetensors,
  loadModel,
  openDataset,
  openEngine,
} from 'functa';

const [file = 'modulations.safetensors', path = 'exported.functaset'] = process.argv.slice(2);

const model = await loadModel('fashion-mnist');
const engine = await openEngine();
const set = await createFunctaset(path, { model, engine });
const data = await openDataset('fixture-fashion', 'test');
for (let i = 0; i < data.length; i++) await set.add(await data.get(i));

const { content, length } = exportModulations({ model, engine }, set.store, { format: 'safetensors' });
await writeFile(file, content);
console.log(`${file}: modulations of [${set.count}, ${length}], with ids, labels and qualities`);

// What another program wrote, under the same names or others, is put like anything else.
const back = functionsOfSafetensors(model, await readFile(file), { id: 'row', quality: 50 });
await set.store.putMany(back.map((fn) => ({ ...fn, id: `again-${fn.id}` })));
console.log(`${set.count} functions`);
await set.close();
await engine.close();
