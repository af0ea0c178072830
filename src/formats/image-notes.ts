/** What a file of a picture holds and 8-bit samples of one sRGB frame do not: one line for each. */
import type { Metadata } from 'sharp';

/** `bytes`: the whole file, for what the decoder's metadata leaves out. */
export function notesOfFile(metadata: Metadata, bytes: Uint8Array): string[] {
  const notes: string[] = [];
  const frames = metadata.pages ?? 1;
  if (frames > 1) notes.push(`only the first of its ${frames} frames is read`);
  else if (metadata.format === 'png' && isAnimatedPng(bytes))
    notes.push('only the first of its frames is read');
  const bits = metadata.bitsPerSample ?? (metadata.depth === 'ushort' ? 16 : 8);
  if (bits > 8) notes.push(`its samples of ${bits} bits are read as 8`);
  if (metadata.space === 'cmyk') notes.push('its inks (CMYK) are converted to sRGB');
  else {
    const profile = metadata.icc === undefined ? undefined : profileName(metadata.icc);
    if (profile !== undefined && !/srgb/i.test(profile))
      notes.push(`its colours (profile ${profile}) are converted to sRGB`);
  }
  return notes;
}

/** What is lost by reading [points, stored] samples as `channels` of them. */
export function notesOfSamples(samples: Uint8Array, stored: number, channels: number): string[] {
  const notes: string[] = [];
  const points = samples.length / stored;
  const some = (lost: (at: number) => boolean) => {
    for (let p = 0; p < points; p++) if (lost(p * stored)) return true;
    return false;
  };
  if (channels < 4 && stored === 4 && some((at) => samples[at + 3] !== 255)) {
    notes.push('its transparency is laid on white');
  }
  const coloured = (at: number) => samples[at] !== samples[at + 1] || samples[at] !== samples[at + 2];
  if (channels === 1 && some(coloured)) notes.push('its colours are read as grey');
  return notes;
}

/** An `acTL` chunk before the samples (PNG, third edition, section 11.3.6.1). */
function isAnimatedPng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === 'acTL') return true;
    if (type === 'IDAT') return false;
  }
  return false;
}

/** The description of an ICC profile (ICC.1:2022, 9.2.41): text of its first language, or ASCII in version 2. */
function profileName(icc: Uint8Array): string {
  const unnamed = 'without a name';
  const view = new DataView(icc.buffer, icc.byteOffset, icc.byteLength);
  const text = (from: number, to: number) => String.fromCharCode(...icc.subarray(from, to));
  if (icc.length < 132) return unnamed;
  const tags = Math.min(view.getUint32(128), 100);
  for (let tag = 0, at = 132; tag < tags && at + 12 <= icc.length; tag++, at += 12) {
    if (text(at, at + 4) !== 'desc') continue;
    const start = view.getUint32(at + 4);
    if (start + 28 > icc.length) return unnamed;
    const isVersion2 = text(start, start + 4) === 'desc';
    const [length, from] = isVersion2
      ? [view.getUint32(start + 8), start + 12]
      : [view.getUint32(start + 20), start + view.getUint32(start + 24)];
    // of UTF-16, what is not ASCII is left out
    const name = text(from, from + Math.min(length, 128))
      .replace(/[^\x20-\x7e]/g, '')
      .trim();
    return name === '' ? unnamed : name;
  }
  return unnamed;
}
