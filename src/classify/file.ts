/** The file of a classifier: safetensors with a card that says what it reads, what it knows and how it was made. */
import { readFile, stat } from 'node:fs/promises';
import { BadInputError, BadStreamError, ConflictError, NotFoundError } from '../core/errors.ts';
import { checkLimit, defaultLimits } from '../core/limits.ts';
import { type Tensor, takeTensor, tensor } from '../core/tensor.ts';
import { canonicalJson } from '../field/canonical.ts';
import type { Model } from '../field/model.ts';
import { readSafetensors, writeSafetensors } from '../field/safetensors.ts';
import { totalChannels } from '../field/spec.ts';
import type { Label } from '../functaset/index.ts';
import type { Learning } from './architecture.ts';
import { type Architecture, checkArchitecture } from './architecture.ts';
import { type ChannelStandard, flatMaps, gridMaps, type ModulationMaps } from './maps.ts';

/** `linear`: one linear layer over all numbers of a modulation. `network`: convolutions over its grids. */
export const probeKinds = ['linear', 'network'] as const;
export type ProbeKind = (typeof probeKinds)[number];

export interface ClassifierCard {
  readonly probe: ProbeKind;
  /** Whose modulations it reads. */
  readonly networkId: string;
  readonly model: string;
  readonly architecture: Architecture;
  /** Of class 0, 1, ... */
  readonly labels: readonly Label[];
  readonly learning: Learning;
  /** Views of each function that were learnt from: mirrored and shifted ones after the first. */
  readonly views: number;
  readonly functions: number;
  /** Figures reached, `validationAccuracy` among them where one was measured. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Classifier {
  readonly card: ClassifierCard;
  readonly standard: ChannelStandard;
  /** For `openNetwork`. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const format = 'functa-classifier-1';

export function writeClassifier({ card, standard, tensors }: Classifier): Uint8Array {
  const all = new Map(tensors);
  all.set('input.mean', tensor(standard.mean));
  all.set('input.deviation', tensor(standard.deviation));
  return writeSafetensors(all, { format, card: canonicalJson(card) });
}

/** Throws BadStreamError `classifier-format` or `classifier-card`, and what reading safetensors throws. */
export function readClassifier(bytes: Uint8Array): Classifier {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata.format !== format) {
    throw new BadStreamError('classifier-format', 8, `not a classifier: its format is not "${format}"`);
  }
  try {
    const card = JSON.parse(metadata.card ?? '') as ClassifierCard;
    checkArchitecture(card.architecture);
    checkCard(card);
    const standard = {
      mean: takeTensor(tensors, 'input.mean', 'F32'),
      deviation: takeTensor(tensors, 'input.deviation', 'F32'),
    };
    return { card, standard, tensors };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BadStreamError('classifier-card', 8, `the card of the classifier cannot be used: ${why}`);
  }
}

/** Throws NotFoundError `unknown-classifier`, LimitError, and what `readClassifier` throws. */
export async function loadClassifier(path: string): Promise<Classifier> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) {
    throw new NotFoundError(
      'unknown-classifier',
      `there is no classifier at ${path}; train one with: functa classify train`,
    );
  }
  checkLimit(
    'file-bytes',
    info.size,
    defaultLimits.maxFileBytes,
    `${path} is larger than a classifier may be`,
  );
  return readClassifier(await readFile(path));
}

/** Throws ConflictError `classifier-network` for another model's classifier. */
export function checkOwner({ card }: Classifier, model: Model): void {
  if (card.networkId === model.networkId) return;
  throw new ConflictError(
    'classifier-network',
    `the classifier reads modulations of ${card.model} (network ${card.networkId.slice(0, 16)}), not those of ${model.card.name} (${model.networkId.slice(0, 16)})`,
  );
}

/** How modulations of a model are shown to a probe. Throws BadInputError `architecture` where a card says otherwise. */
export function mapsOf(
  probe: ProbeKind,
  model: Model,
  standard: ChannelStandard,
  architecture?: Architecture,
): ModulationMaps {
  const { spec, shape } = model.card;
  const channels = totalChannels(spec);
  if (standard.mean.length !== channels || standard.deviation.length !== channels) {
    throw new BadInputError(
      'architecture',
      `the classifier standardises other channels than the ${channels} of ${model.card.name}`,
    );
  }
  const maps = probe === 'linear' ? flatMaps(spec, shape, standard) : gridMaps(spec, shape, standard);
  if (
    architecture &&
    (architecture.cells.join() !== maps.cells.join() || architecture.channels !== maps.channels)
  ) {
    throw new BadInputError(
      'architecture',
      `the classifier reads maps that ${model.card.name} does not give`,
    );
  }
  return maps;
}

function checkCard({ probe, labels, architecture, networkId }: ClassifierCard): void {
  const named = Array.isArray(labels) && labels.every((l) => typeof l === 'string' || typeof l === 'number');
  if (
    !named ||
    labels.length !== architecture.classes ||
    !probeKinds.includes(probe) ||
    typeof networkId !== 'string'
  ) {
    throw new BadInputError(
      'card',
      'a label for each class, a known probe and the id of a network are needed',
    );
  }
}
