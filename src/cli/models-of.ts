/** Which models take what a command is given, where it names none: the signals of a data set, a table of points, a coarse version. */
import type { Split } from '../../datasets/dataset.ts';
import { FunctaError } from '../core/errors.ts';
import type { Model } from '../field/model.ts';
import { sampleTypeOf } from '../field/outputs.ts';
import { kindOf, type SignalFormat } from '../formats/formats.ts';
import { cardsOfValues } from '../formats/read.ts';
import type { Signal } from '../signal/signal.ts';
import type { Job } from './job.ts';
import { chooseModel, chosenOf, modelsOfSignals } from './models.ts';

/**
 * Without a name: the bundled model for signals such as the first of a data set, as one for a file of it would be. Throws UsageError `no-model`, `which-model`,
 * and why the data set cannot be opened, whatever the model.
 */
export async function modelOfData(
  job: Job,
  data: string,
  {
    model: ref,
    ...at
  }: {
    readonly model?: string | undefined;
    readonly split: Split | 'all';
    readonly cacheDir?: string | undefined;
  },
): Promise<Model> {
  if (ref !== undefined) return chooseModel(ref, '');
  const { firstForModel } = await import('../jobs/index.ts');
  const all = await modelsOfSignals();
  const firsts = new Map<Model, Signal>();
  const faults: FunctaError[] = [];
  for (const model of all) {
    try {
      const first = await firstForModel(data, model, at);
      if (first !== undefined) firsts.set(model, first);
    } catch (error) {
      if (!(error instanceof FunctaError)) throw error;
      faults.push(error);
    }
  }
  const [fault] = faults;
  if (fault !== undefined && faults.length === all.length && faults.every(({ code }) => code === fault.code))
    throw fault;
  const [first] = firsts.values();
  const [one] = firsts.keys();
  // what channels of 8 bits are says enough of their values
  const isOfBytes = one !== undefined && sampleTypeOf(one.card.outputs) === 'uint8';
  const format = isOfBytes ? { channelKinds: [] } : {};
  const fitting = await cardsOfValues([...firsts.keys()], format, async (model) => firsts.get(model)!);
  return chosenOf(job, fitting, all, `the signals of ${data}`, first);
}

/** The only bundled model of tables of so many columns: coordinates and values. Throws UsageError `no-model`, `which-model`. */
export async function modelOfTable(job: Job, columns: number): Promise<Model> {
  const all = await modelsOfSignals();
  const fitting = all.filter(({ card }) => card.spec.axes + card.spec.outputs === columns);
  return chosenOf(job, fitting, all, `a table of ${columns} columns, which does not say of what`);
}

/**
 * The only bundled model of signals like one, whatever its size. `readFor` reads it for a model. Throws UsageError `no-model`, `which-model`.
 */
export async function modelOfCoarse(
  job: Job,
  signal: Signal,
  format: SignalFormat,
  readFor: (model: Model) => Promise<Signal>,
): Promise<Model> {
  const channels = format.channelsNeeded(signal);
  const all = await modelsOfSignals();
  const taking = all.filter(
    ({ card }) =>
      card.spec.axes === signal.shape.length &&
      format.fits(kindOf(card)) &&
      format.takes(card.spec.outputs, channels),
  );
  const fitting = await cardsOfValues(taking, format, readFor);
  return chosenOf(job, fitting, all, 'a version at a lower resolution, which does not say of what size');
}
