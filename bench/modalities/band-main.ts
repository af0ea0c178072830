/**
 * Energy above the band of sounds that are decoded at a higher rate.
 *
 *   npm run bench:band -- [--model models/speech/model.safetensors] [--quality 90]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openEngine } from '../../src/engine/index.ts';
import { readModel } from '../../src/field/model.ts';
import { openSession } from '../../src/session/index.ts';
import { bandRows } from './band.ts';

const { values: asked } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/speech/model.safetensors' },
    quality: { type: 'string', default: '90' },
  },
});
const model = readModel(new Uint8Array(readFileSync(asked.model)));
const engine = await openEngine();
try {
  console.log(`model ${model.card.name}, quality ${asked.quality}, decoded at 44.1 kHz`);
  for (const { name, aboveDb } of await bandRows(openSession({ model, engine }), Number(asked.quality)))
    console.log(`${name.padEnd(24)} ${aboveDb.toFixed(1)} dB above the band`);
} finally {
  await engine.close();
}
