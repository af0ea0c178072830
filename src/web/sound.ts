/** A function of one axis: its curve, and where the axis is time, a button that plays it. */
import type { Opened } from './messages.ts';
import type { Shown } from './shown.ts';
import { sharedReader } from './worker-reader.ts';

export class Sound implements Shown {
  failed: (error: unknown) => void = () => undefined;
  /** A curve is shown whole. */
  readonly look = { x: 0, y: 0, scale: 1 };
  readonly drawn: Promise<void>;
  #ended = false;
  #stop = () => {};

  constructor(host: HTMLElement, root: ShadowRoot, opened: Opened, { name }: { readonly name: string }) {
    host.style.setProperty('--functa-ratio', '3');
    this.drawn = this.#show(root, opened, name).catch((error) => {
      if (!this.#ended) this.failed(error);
    });
  }

  lookAt(): void {}

  end(): void {
    this.#ended = true;
    this.#stop();
  }

  async #show(root: ShadowRoot, opened: Opened, name: string): Promise<void> {
    const values = await sharedReader().values(opened.key);
    if (this.#ended) return;
    const box = document.createElement('div');
    box.className = 'sound';
    const canvas = document.createElement('canvas');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', name);
    box.append(canvas);
    root.replaceChildren(box);
    const { step, unit } = opened.axes[0] ?? {};
    const isTime = step !== undefined && unit === 's';
    const { bar, stop } = isTime ? player(values, opened, 1 / step) : { bar: '', stop: () => {} };
    box.append(bar);
    const watch = new ResizeObserver(() => curve(canvas, values, opened));
    watch.observe(canvas);
    this.#stop = () => {
      watch.disconnect();
      stop();
    };
  }
}

/** Least and largest value of what falls on each column of the screen. */
function curve(canvas: HTMLCanvasElement, values: Float32Array, { channels, outputs, shape }: Opened): void {
  const density = devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * density));
  const height = Math.max(1, Math.round(canvas.clientHeight * density));
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.fillStyle = getComputedStyle(canvas).color;
  const { low, peak } = outputs[0]!;
  const at = (value: number) => height * (1 - Math.min(1, Math.max(0, (value - low) / peak)));
  for (let column = 0; column < width; column++) {
    const first = Math.floor((column * shape[0]!) / width);
    const last = Math.max(first + 1, Math.floor(((column + 1) * shape[0]!) / width));
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = first; i < last; i++) {
      const value = values[i * channels]!;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    if (least <= most) context.fillRect(column, at(most), 1, Math.max(1, at(least) - at(most)));
  }
}

function player(values: Float32Array, { channels, outputs, shape }: Opened, rate: number) {
  const bar = document.createElement('div');
  bar.className = 'bar';
  const play = document.createElement('button');
  play.textContent = 'Play';
  let playing: AudioBufferSourceNode | undefined;
  play.addEventListener('click', () => {
    if (playing !== undefined) return playing.stop();
    const context = new AudioContext();
    const buffer = context.createBuffer(channels, shape[0]!, rate);
    for (let c = 0; c < channels; c++) {
      const { low, peak } = outputs[c]!;
      const data = buffer.getChannelData(c);
      for (let i = 0; i < data.length; i++) data[i] = (2 * (values[i * channels + c]! - low)) / peak - 1;
    }
    playing = new AudioBufferSourceNode(context, { buffer });
    playing.connect(context.destination);
    playing.onended = () => {
      playing = undefined;
      play.textContent = 'Play';
      void context.close();
    };
    playing.start();
    play.textContent = 'Stop';
  });
  const length = document.createElement('span');
  length.textContent = `${(shape[0]! / rate).toFixed(2)} s`;
  bar.append(play, length);
  return { bar, stop: () => playing?.stop() };
}
