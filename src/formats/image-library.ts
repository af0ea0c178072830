/** sharp, loaded when a picture first needs it: its import takes longer than most commands that need none. */
import type sharp from 'sharp';

let library: Promise<typeof sharp> | undefined;

export function imageLibrary(): Promise<typeof sharp> {
  library ??= import('sharp').then((module) => module.default);
  return library;
}
