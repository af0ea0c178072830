/** `functa inspect`: what a file says of itself. */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { About, Attributes } from '../../field/about.ts';
import type { Model } from '../../field/model.ts';
import type { Axis, Output } from '../../field/outputs.ts';
import type { InspectedItem, InspectedNetwork, Inspection } from '../../session/types.ts';
import { coordinateAt } from '../../signal/axes.ts';
import { readInput, standardStream } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { modelOfFile, modelOption } from '../models.ts';
import { maxBytesOption } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { bytesText, columns, outputsText, sizeText } from '../text.ts';

/** Items of an archive that are listed. */
const shownItems = 50;

interface InspectFlags {
  readonly model?: string;
  readonly maxBytes: number;
}

export function addInspect(program: Command, run: RunCommand): void {
  program
    .command('inspect')
    .description('say what a .functa file or a model holds, and where its bits went')
    .argument('<file>', 'a .functa file, a model file, or the name of a model; - is stdin')
    .option(...modelOption)
    .addOption(maxBytesOption())
    .action(run(inspect));
}

async function inspect(job: Job, input: string, flags: InspectFlags): Promise<Report> {
  const path = await pathOf(input);
  const bytes = await readInput(path, {
    stdin: job.streams.stdin,
    maxBytes: flags.maxBytes,
    signal: job.signal,
  });
  const session = await import('../../session/index.ts');
  const { priorsOf } = await import('../../models/index.ts');
  if (isModel(bytes)) {
    const { readModel } = await import('../../field/model.ts');
    const model = readModel(bytes);
    return describeModel(input, bytes.length, model, priorsOf(model));
  }
  const header = session.inspect(bytes);
  if (header.network !== undefined) return describeNetwork(input, header, header.network);
  // a file may leave its shape to the model
  const model = await modelOfFile(flags.model, input, header, bytes, job.limits).catch((error) => {
    if (flags.model !== undefined) throw error;
    return undefined;
  });
  const found = model === undefined ? header : session.inspect(bytes, model);
  // What the items of an archive have differs from item to item.
  const functions = found.items?.length ? found.items : [found];
  const sizes = functions.flatMap(({ shape }) => (shape === undefined ? [] : [sizeText(shape)]));
  const rows = [
    ['kind', found.kind === 'archive' ? `archive of ${found.count}` : 'single function'],
    ['bytes', `${found.fileBytes}, ${found.headerBytes} of them header`],
    [
      'model',
      model === undefined ? `${found.modelDigest} (not here)` : `${model.card.name} (${found.modelDigest})`,
    ],
    ['prior', eachOf(functions.map(({ prior }) => prior!))],
    ['quality', rangeText(functions.map(({ quality }) => quality!))],
  ];
  if (sizes.length > 0) rows.push(['size', eachOf(sizes)]);
  const [shape] = functions.map((own) => own.shape);
  if (model !== undefined && shape !== undefined) rows.push(...extentRows(model, found, shape));
  if (found.bitsPerPoint !== undefined) rows.push(['bits per point', found.bitsPerPoint.toFixed(3)]);
  const spent =
    model !== undefined && found.kind === 'file'
      ? session.spentOn(bytes, model, { limits: job.limits })
      : undefined;
  if (spent !== undefined)
    rows.push(['bits on', spent.map(({ on, bits }) => `${on} ${bits.toFixed(0)}`).join(', ')]);
  return {
    data: { input, ...found, ...(spent === undefined ? {} : { spent }), model: model?.card.name ?? null },
    lines: [...columns(rows), ...itemLines(found.items ?? [])],
  };
}

/** What values are, and from where to where the samples of a signal go, where these have units and places. */
function extentRows(
  { card }: Model,
  { outputs: own = card.outputs, axes: places = [], about }: Inspection,
  shape: readonly number[],
): string[][] {
  const outputs = own.filter(({ unit }, o) => unit !== undefined || own[o] !== card.outputs[o]);
  const axes = places.flatMap((axis, i) => {
    const { name, unit } = axis;
    const ends = [coordinateAt(axis, 0), coordinateAt(axis, shape[i]! - 1)];
    if (ends[0] === undefined) return [];
    const [from, to] = ends.map((at) => Number(at!.toPrecision(6)));
    return [`${name} from ${from} to ${to}${unit === undefined ? '' : ` ${unit}`}`];
  });
  return [
    ...(outputs.length === 0 ? [] : [['values', outputsText(outputs)]]),
    ...attributeRows(own, about),
    ...(axes.length === 0 ? [] : [['along', axes.join(', ')]]),
  ];
}

/** An attribute a row. */
function attributeRows(outputs: readonly Output[], { attributes = [], file = {} }: About = {}): string[][] {
  const rows = (own: Attributes, of: string) =>
    Object.entries(own).map(([name, value]) => [
      `${name}${of}`,
      typeof value === 'string' ? value : value.join(', '),
    ]);
  return [
    ...attributes.flatMap((own, o) => rows(own, outputs.length === 1 ? '' : ` of ${outputs[o]!.name}`)),
    ...rows(file, ' of the file'),
  ];
}

function axisText({ name, unit, wraps }: Axis): string {
  return `${name}${unit === undefined ? '' : ` in ${unit}`}${wraps ? ', which wraps' : ''}`;
}

/** A file that needs no model. */
function describeNetwork(input: string, found: Inspection, network: InspectedNetwork): Report {
  const { layers, width, w0, channels, weights, coding, bitsPerWeight } = network;
  const rows = [
    ['kind', 'network of its own: no model is needed'],
    ['bytes', `${found.fileBytes}, ${found.headerBytes} of them header`],
    ['network', `${layers} layers of ${width}, w0 ${w0}, ${weights} weights`],
    [
      'weights',
      `${coding === 'half' ? 'half floats' : 'in steps, entropy coded'}, ${bitsPerWeight.toFixed(2)} bits each`,
    ],
    ['size', `${sizeText(found.shape!)}, ${channels}`],
    ['bits per point', found.bitsPerPoint!.toFixed(3)],
  ];
  return { data: { input, ...found, model: null }, lines: columns(rows) };
}

const shownValues = 4;

/** What there is of something, once each, of many the first. */
function eachOf(values: readonly string[]): string {
  const all = [...new Set(values)];
  const more = all.length > shownValues ? `, and ${all.length - shownValues} more` : '';
  return `${all.slice(0, shownValues).join(', ')}${more}`;
}

/** `50`, or `40 to 62` where they differ. */
function rangeText(qualities: readonly number[]): string {
  const least = qualities.reduce((low, quality) => Math.min(low, quality));
  const most = qualities.reduce((high, quality) => Math.max(high, quality));
  return least === most ? String(least) : `${least} to ${most}`;
}

/** A row for each function of an archive, in its order; of many the first ones. */
function itemLines(items: readonly InspectedItem[]): string[] {
  if (items.length === 0) return [];
  const rows = items
    .slice(0, shownItems)
    .map(({ id, shape, bytes, prior, quality }, i) => [
      String(i),
      id ?? '-',
      shape === undefined ? '-' : sizeText(shape),
      `${Number.isInteger(bytes) ? bytes : bytes.toFixed(1)} bytes`,
      `${prior} at ${quality}`,
    ]);
  const hidden = items.length - rows.length;
  return [
    '',
    ...columns([['item', 'id', 'size', 'stream', 'coded by'], ...rows]),
    ...(hidden > 0 ? [`and ${hidden} more; --json lists all`] : []),
  ];
}

async function pathOf(input: string): Promise<string> {
  if (input === standardStream) return input;
  const there = await stat(input).then(
    () => true,
    () => false,
  );
  if (there) return input;
  const { findModel } = await import('../../models/index.ts');
  // a name that is neither falls through to the error for a missing file
  return findModel(input).catch(() => input);
}

/** safetensors: a JSON object after eight bytes of length. */
function isModel(bytes: Uint8Array): boolean {
  return bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0;
}

function describeModel(input: string, fileBytes: number, model: Model, priors: readonly string[]): Report {
  const { card, id, networkId, network, slopes } = model;
  const { training } = card;
  const levels = card.spec.levels.map(
    ({ cell, channels }) =>
      `${channels} channels in cells of ${cell === null ? 'the whole' : sizeText(cell)}`,
  );
  const rows = [
    ['model', card.name],
    ['id', id],
    ['bytes', bytesText(fileBytes)],
    ['family', `${card.family}, ${sizeText(card.shape)}${card.anySize ? ' or any size' : ''}`],
    ['values', outputsText(card.outputs)],
    ['axes', card.axes.map(axisText).join(', ')],
    ['network', `width ${card.spec.width}, ${card.spec.layers} layers, ${network.weights.length} weights`],
    ['modulation', levels.join(', ')],
    ...(slopes === undefined ? [] : [['changes', `with quality, from ${slopes.qualities.join(' to ')}`]]),
    ['priors', priors.join(', ') || 'none'],
    [
      'trained on',
      `${training.dataset} ${training.split}, ${training.steps} steps of ${training.batch}, seed ${training.seed}`,
    ],
    ...Object.entries(card.figures).map(([name, value]) => [name, String(value)]),
    ['licence', card.licence],
    ['notes', card.notes],
  ];
  return {
    data: { input, kind: 'model', fileBytes, id, networkId, weights: network.weights.length, priors, card },
    lines: columns(rows),
  };
}
