/**
 * Rate and distortion of sounds, maps and volumes beside the coders of their fields, in one run. Prints tables.
 *
 *   npm run bench:modalities -- --kind speech|fields|volumes|shapes [--model speech] [--data speech-short:DIRECTORY] [--split test] [--limit 24]
 *       [--id TEXT] [--qualities 30,40,50,60,70] [--bounds 0.1,1,10] [--signs 10,20,30] [--effort 2] [--at 5,8,11] [--tools DIRECTORY] [--pca climate]
 *       [--threads 1]
 *
 * `--tools`: where Debian packages of the other coders were unpacked (`dpkg-deb -x lame_*.deb DIRECTORY`), else they are taken from the path; those
 * that are not there are left out. `--bounds`: largest errors in percent of the range, of fields and volumes; a second table is at equal largest errors
 * that were reached. `--signs`: qualities at which the signs of values are kept beside the field. `--pca`: principal components of the training split of a data set beside, for maps alone. `--id`: only signals whose id
 * contains it. Signals are spread evenly over those that are left.
 */
import { parseArgs } from 'node:util';
import type { Split } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/registry.ts';
import { openEngine } from '../../src/engine/index.ts';
import { openMultiply } from '../../src/engine/tfjs/multiply.ts';
import { loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import type { Signal } from '../../src/signal/signal.ts';
import { readSetting } from '../rate/setting.ts';
import {
  boundedOf,
  type Coded,
  type Contender,
  curveOf,
  equalTable,
  type Figures,
  modelOf,
  pointsTable,
  signedOf,
} from './contender.ts';
import { fieldFigures, fieldPeers } from './fields.ts';
import { pcaPeers } from './pca.ts';
import { shapeFigures, shapePeers } from './shapes.ts';
import { rate, speechFigures, speechPeers } from './speech.ts';
import { openTools, type Tools } from './tools.ts';

interface Modality {
  readonly model: string;
  readonly data: string;
  readonly qualities: string;
  /** What bytes are compared at. */
  readonly figure: string;
  readonly at: string;
  /** The same of another figure. */
  readonly second?: string;
  readonly secondAt?: string;
  peers(tools: Tools): Contender[] | Promise<Contender[]>;
  measure(signal: Signal, coded: Coded): Figures | Promise<Figures>;
  /** Of mean bytes of signals of so many points. */
  rate(bytes: number, points: number): Figures;
}

const kinds: Readonly<Record<string, Modality>> = {
  speech: {
    model: 'speech',
    data: 'speech-short',
    ...{ qualities: '20,30,40,50,60,70', figure: 'snrDb', at: '2,5,8,11,14' },
    ...{ peers: speechPeers, measure: (signal, { values }) => speechFigures(signal, values) },
    rate: (bytes, points) => ({ kbitPerS: (8 * bytes * rate) / points / 1000 }),
  },
  fields: {
    model: 'climate',
    data: 'climate',
    ...{ qualities: '36,44,52,60,68,76,84', figure: 'psnrDb', at: '30,35,40,45,50,55,60' },
    ...{ peers: fieldPeers, measure: (signal, { values }) => fieldFigures(signal, values) },
    rate: (bytes, points) => ({ bitsPerPoint: (8 * bytes) / points, overFloat32: (4 * points) / bytes }),
  },
  volumes: {
    model: 'volume',
    data: 'volume',
    ...{ qualities: '30,40,50,60,70,80', figure: 'psnrDb', at: '28,30,32,34,36,38,40' },
    ...{ peers: fieldPeers, measure: (signal, { values }) => fieldFigures(signal, values) },
    rate: (bytes, points) => ({ bitsPerPoint: (8 * bytes) / points, overFloat32: (4 * points) / bytes }),
  },
  shapes: {
    model: 'shapes',
    data: 'shapes',
    ...{ qualities: '20,30,40,50,60,70,80', figure: 'iou', at: '0.8,0.85,0.9,0.93,0.95,0.97' },
    ...{ second: 'chamfer', secondAt: '0.45,0.5,0.6,0.8', peers: shapePeers, measure: shapeFigures },
    rate: (bytes, points) => ({ bitsPerPoint: (8 * bytes) / points }),
  },
};

const { values: asked } = parseArgs({
  options: {
    kind: { type: 'string', default: 'speech' },
    model: { type: 'string' },
    data: { type: 'string' },
    split: { type: 'string', default: 'test' },
    limit: { type: 'string', default: '24' },
    id: { type: 'string', default: '' },
    qualities: { type: 'string' },
    at: { type: 'string' },
    bounds: { type: 'string' },
    signs: { type: 'string' },
    effort: { type: 'string', default: '2' },
    pca: { type: 'string' },
    tools: { type: 'string' },
    threads: { type: 'string', default: '1' },
  },
});
const kind = kinds[asked.kind];
if (kind === undefined)
  throw new TypeError(`no kind ${asked.kind}; there are ${Object.keys(kinds).join(', ')}`);
const numbers = (text: string) => text.split(',').map(Number);

const signals = await read();
const points = signals.reduce((sum, { shape }) => sum + shape.reduce((n, size) => n * size, 1), 0);
const engine = await openEngine(undefined, { threads: Number(asked.threads) });
const tools = await openTools(asked.tools);
try {
  const session = openSession({ model: await loadModel(asked.model ?? kind.model), engine });
  const own = modelOf(session, Number(asked.effort), numbers(asked.qualities ?? kind.qualities));
  const bounds = asked.bounds === undefined ? undefined : numbers(asked.bounds);
  const bounded = bounds === undefined ? [] : [boundedOf(session, Number(asked.effort), bounds)];
  const pca =
    asked.pca === undefined ? [] : pcaPeers(await mapsOf(asked.pca), openMultiply(Number(asked.threads)));
  const signs =
    asked.signs === undefined ? [] : [signedOf(session, Number(asked.effort), numbers(asked.signs))];
  const contenders = [own, ...signs, ...bounded, ...(await kind.peers(tools)), ...pca];
  const curves = [];
  for (const contender of contenders) curves.push(await curveOf(contender, signals, kind.measure));
  const setting = readSetting('bench:modalities', process.argv.slice(2));
  console.log(
    `n = ${signals.length}, ${points} points; ${setting.machine}, load ${setting.load}, ${setting.commit}`,
  );
  for (const { name, note } of contenders) console.log(`- ${name}: ${note}`);
  console.log(`\n${pointsTable(curves, (bytes) => kind.rate(bytes, points / signals.length))}`);
  console.log(`\n${equalTable(curves, kind.figure, numbers(asked.at ?? kind.at))}`);
  if (kind.second !== undefined && kind.secondAt !== undefined)
    console.log(`\n${equalTable(curves, kind.second, numbers(kind.secondAt))}`);
  const [, boundedCurve, ...peers] = curves.filter(({ contender }) => !signs.includes(contender));
  if (bounds !== undefined && boundedCurve !== undefined) {
    const reached = boundedCurve.points.map(({ figures }) => figures.mostDb!);
    console.log(`\n${equalTable([boundedCurve, ...peers], 'mostDb', reached)}`);
  }
} finally {
  await tools.close();
  await engine.close();
}

/** All signals of the training split of a data set, in memory. */
async function mapsOf(name: string): Promise<Signal[]> {
  const data = await openDataset(name, 'train');
  const found = await Promise.all(Array.from({ length: data.length }, (_, i) => data.get(i)));
  data.close();
  return found;
}

async function read(): Promise<Signal[]> {
  const data = await openDataset(asked.data ?? kind!.data, asked.split as Split);
  const ids = Array.from({ length: data.length }, (_, i) => i);
  const fit = ids.filter((i) => (data.idAt?.(i) ?? '').includes(asked.id));
  const count = Math.min(Number(asked.limit), fit.length);
  const found: Signal[] = [];
  for (let i = 0; i < count; i++) found.push(await data.get(fit[Math.floor((i * fit.length) / count)]!));
  data.close();
  return found;
}
