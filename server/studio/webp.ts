/** What WebP makes of so many bytes: the browser codes it, so that nothing leaves the page. */
export interface AtBytes {
  readonly bytes: number;
  readonly url: string;
}

const tries = 7;

/** The best WebP of a picture within `most` bytes, or the smallest there is; undefined where the browser codes none. */
export async function webpWithin(url: string, most: number): Promise<AtBytes | undefined> {
  const picture = new Image();
  picture.src = url;
  await picture.decode().catch(() => undefined);
  if (picture.naturalWidth === 0) return undefined;
  const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
  canvas.getContext('2d')?.drawImage(picture, 0, 0);
  const coded = (quality: number) => canvas.convertToBlob({ type: 'image/webp', quality });
  let best = await coded(0);
  if (best.type !== 'image/webp') return undefined;
  let [low, high] = [0, 1];
  for (let i = 0; i < tries && best.size <= most; i++) {
    const middle = (low + high) / 2;
    const found = await coded(middle);
    if (found.size <= most) [best, low] = [found, middle];
    else high = middle;
  }
  return { bytes: best.size, url: URL.createObjectURL(best) };
}
