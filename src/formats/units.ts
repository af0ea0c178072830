/** Units that stand for the same kind of thing, as far as files of fields are known to differ in them. */

/** Value in the first unit of its line = factor * value + offset. */
interface Unit {
  readonly kind: string;
  readonly factor: number;
  readonly offset: number;
}

const line = (kind: string, factor: number, names: string, offset = 0): [string, Unit][] =>
  names.split(' ').map((name) => [name, { kind, factor, offset }]);

const units: ReadonlyMap<string, Unit> = new Map([
  ...line('temperature', 1, 'k kelvin degk deg_k degreek degree_k'),
  ...line(
    'temperature',
    1,
    'degc deg_c degreec degree_c degreesc degrees_c celsius degree_celsius degrees_celsius °c',
    273.15,
  ),
  ...line('pressure', 1, 'pa pascal'),
  ...line('pressure', 100, 'hpa mb mbar millibar millibars'),
  ...line('length', 1, 'm meter meters metre metres'),
  ...line('length', 1000, 'km kilometer kilometers'),
  ...line('length', 0.01, 'cm'),
  ...line('length', 0.001, 'mm'),
  ...line('speed', 1, 'm/s m.s-1 ms-1 meter/s meters/second m.s**-1 ms**-1'),
  ...line('share', 1, '1 kg/kg kg.kg-1 kgkg-1'),
  ...line('share', 0.01, '% percent'),
  ...line('share', 0.001, 'g/kg g.kg-1 gkg-1'),
]);

/** From values in one unit to values in another; undefined where the one is not known to be the other. */
export function conversion(from: string, to: string): ((value: number) => number) | undefined {
  const [a, b] = [from, to].map((text) => units.get(text.toLowerCase().replace(/\s+/g, '')));
  if (a === undefined || b === undefined || a.kind !== b.kind) return undefined;
  return (value) => (a.factor * value + a.offset - b.offset) / b.factor;
}
