/** Which part of each file is read, as the name of data says it: `signals:DIRECTORY?variable=T[time=0]&grid=64`. */
import { BadInputError } from '../src/core/errors.ts';
import { isGrid, leastGrid, mostGrid, type Parts } from '../src/formats/format.ts';

const asked = /\?(?=variable=|grid=)/;

/** The name of data with what is read of its files; the same where nothing is said. */
export function withParts(name: string, { variable, grid }: Parts): string {
  const said = [
    ...(variable === undefined ? [] : [`variable=${encodeURIComponent(variable)}`]),
    ...(grid === undefined ? [] : [`grid=${grid}`]),
  ];
  return said.length === 0 ? name : `${name}?${said.join('&')}`;
}

/** Throws BadInputError `bad-option`. */
export function splitParts(text: string): { readonly path: string; readonly parts?: Parts } {
  const at = text.search(asked);
  if (at < 0) return { path: text };
  const said = new URLSearchParams(text.slice(at + 1));
  const [variable, grid] = [said.get('variable'), said.get('grid')];
  if (grid !== null && !(/^\d+$/.test(grid) && isGrid(Number(grid))))
    throw new BadInputError(
      'bad-option',
      `grid is a whole number from ${leastGrid} to ${mostGrid}, not ${grid}`,
    );
  return {
    path: text.slice(0, at),
    parts: {
      ...(variable === null ? {} : { variable }),
      ...(grid === null ? {} : { grid: Number(grid) }),
    },
  };
}
