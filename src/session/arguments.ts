/** What the verbs of sessions take, for `check`. */
import {
  aBox,
  aFlag,
  aLabel,
  aNumber,
  anObject,
  aShape,
  aSize,
  aText,
  having,
  kind,
  maybe,
  optionsOf,
} from '../core/check.ts';
import { keepings } from './keeping.ts';

const aKeeping = kind(`one of ${keepings.join(', ')}`, (value) => keepings.some((kept) => kept === value));

export const coding = {
  quality: aNumber,
  effort: aNumber,
  prior: aText,
  steps: aText,
  batch: aNumber,
  keep: aKeeping,
};

export const encodeOptions = optionsOf({
  ...coding,
  target: having({ psnrDb: maybe(aNumber), fileBytes: maybe(aNumber) }),
  maxError: aLabel,
  keepSigns: aFlag,
  archive: aFlag,
  ids: aFlag,
});

export const decodeOptions = optionsOf({
  ...{ item: aNumber, id: aText, name: aText },
  ...{ size: aSize, region: aBox, raw: aFlag },
});

export const sampleOptions = having({
  ...{ count: aNumber, seed: aNumber, temperature: maybe(aNumber), prior: maybe(aText) },
  ...{ label: maybe(aLabel), guidance: maybe(aNumber), steps: maybe(aNumber), quality: maybe(aNumber) },
  ...{ shape: maybe(aShape), size: maybe(aSize), raw: maybe(aFlag), decode: maybe(aFlag), ids: maybe(aFlag) },
  signal: maybe(anObject),
});
