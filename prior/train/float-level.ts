/** From the integers of a level back to the floating-point network that they stand for: the inverse of `quantiseLevel`. */
import { type FloatHead, type FloatLevelNetwork, inputUnit } from '../autoregressive-export.ts';
import type { Head, LevelTensors } from '../autoregressive-tensors.ts';
import { firstOctave, meanBits, notchesPerOctave } from '../bank.ts';

const hiddenBits = 9;
const inputBits = 4;

export function floatLevel(level: LevelTensors): FloatLevelNetwork {
  const { channels, inputs, auxiliary, reach, shapes } = level;
  const units = levelUnits(level);
  const head = (which: 'mean' | 'scale', zero: number): FloatHead => {
    const { output, bias, linear, own, shift } = level[which];
    const unit = (part: string) => units.get(`${which}.${part}`)!;
    const half = shift > 0 ? 2 ** (shift - 1) : 0;
    const rowUnit = (i: number) =>
      which === 'mean' && i < auxiliary * channels ? unit('linear') / inputUnit : unit('linear');
    return {
      output: Float32Array.from(output, (w) => w / unit('output')),
      bias: Float32Array.from(bias, (b) => (b - half) / unit('bias') + zero),
      linear: Float32Array.from(linear, (w, i) => w / rowUnit(i)),
      own: Float32Array.from(own, (w) => w / unit('own')),
    };
  };
  const hidden = level.hidden.map(({ weights, bias, shift }, j) => {
    const half = shift > 0 ? 2 ** (shift - 1) : 0;
    const unit = units.get(`hidden${j}.bias`)!;
    const rowBits = j === 0 ? inputBits : hiddenBits;
    return {
      weights: Float32Array.from(weights, (w) => (w * 2 ** rowBits) / unit),
      bias: Float32Array.from(bias, (b) => (b - half) / unit),
    };
  });
  return {
    ...{ channels, inputs, auxiliary, reach, hidden, shapes: shapes.slice() },
    ...{ mean: head('mean', 0), scale: head('scale', firstOctave) },
  };
}

/** Integers of a unit of the float network, by part; of `linear`, in the rows of symbols. */
export function levelUnits({ mean, scale, hidden }: LevelTensors): Map<string, number> {
  const units = new Map<string, number>();
  hidden.forEach(({ shift }, j) => {
    units.set(`hidden${j}.bias`, 2 ** (shift + hiddenBits));
    units.set(`hidden${j}.weights`, 2 ** (shift + hiddenBits - (j === 0 ? inputBits : hiddenBits)));
  });
  const add = (which: 'mean' | 'scale', { outputShift, shift }: Head, unit: number, symbolUnit: number) => {
    units.set(`${which}.output`, unit * 2 ** (outputShift - hiddenBits + shift));
    units.set(`${which}.bias`, unit * 2 ** shift);
    units.set(`${which}.linear`, (unit * 2 ** shift) / symbolUnit);
    units.set(`${which}.own`, (unit * 2 ** shift) / symbolUnit);
  };
  add('mean', mean, 2 ** meanBits, 1);
  add('scale', scale, notchesPerOctave, inputUnit);
  return units;
}
