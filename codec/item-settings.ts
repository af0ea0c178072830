/** With what the streams of an archive's items are read: what most have, and the exceptions; FORMAT.md, "An archive". */
import type { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { type Coding, readCoding, readQuality, writeCoding } from './header.ts';

/** What the stream of an item is read with, beside its shape. */
export interface ItemSetting {
  readonly prior: Coding;
  readonly quality: number;
}

/** What most items have, the earliest of those that are as many; what there is without any is that of an empty archive. */
export function mostCommon(items: readonly ItemSetting[], without: ItemSetting): ItemSetting {
  const counts = new Map<string, { setting: ItemSetting; count: number }>();
  for (const setting of items) {
    const key = `${setting.prior} ${setting.quality}`;
    const found = counts.get(key) ?? { setting, count: 0 };
    found.count++;
    counts.set(key, found);
  }
  let most = { setting: without, count: 0 };
  for (const found of counts.values()) if (found.count > most.count) most = found;
  return most.setting;
}

/** Items since the one before, then prior and quality, of each item that has others than most. */
export function writeExceptions(
  writer: ByteWriter,
  items: readonly ItemSetting[],
  common: ItemSetting,
): void {
  const others = [...items.entries()].filter(([, item]) => isOther(item, common));
  writer.varint(others.length);
  let next = 0;
  for (const [i, { prior, quality }] of others) {
    writer.varint(i - next);
    writeCoding(writer, prior);
    writer.u8(quality);
    next = i + 1;
  }
}

export function isOther(item: ItemSetting, common: ItemSetting): boolean {
  return item.prior !== common.prior || item.quality !== common.quality;
}

export function readExceptions(reader: ByteReader, count: number): Map<number, ItemSetting> {
  const found = new Map<number, ItemSetting>();
  const others = reader.varint();
  if (others > count || others * 3 > reader.remaining)
    throw new BadStreamError('truncated', reader.at, `${others} settings of ${count} items`);
  let next = 0;
  for (let k = 0; k < others; k++) {
    const i = next + reader.varint();
    if (i >= count) throw new BadStreamError('flags', reader.at, `a setting of item ${i} of ${count}`);
    found.set(i, { prior: readCoding(reader), quality: readQuality(reader) });
    next = i + 1;
  }
  return found;
}
