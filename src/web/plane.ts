/**
 * A function of two axes (or slices of one of three) on a canvas that is moved and zoomed. What was drawn last is shown at once, stretched to where
 * it stands now; the worker draws what is visible anew, at the samples of the screen, one drawing at a time.
 */
import { hearKeys, hearWheel, playBar, shownCanvas } from './controls.ts';
import type { Opened, Rectangle } from './messages.ts';
import type { Look, Shown } from './shown.ts';
import { sharedReader } from './worker-reader.ts';

/** What was drawn: a part of the function laid out on so many samples. */
interface Sheet {
  readonly bitmap: ImageBitmap;
  readonly width: number;
  readonly height: number;
  readonly part: Rectangle;
  readonly slice: number;
}

/** Samples of the screen that one of the function takes at most: past it coordinates of outputs run out. */
const mostScale = 2 ** 13;
const keyStep = 0.1;
/** Milliseconds from one slice to the next when they play. */
const sliceMs = 80;

export class Plane implements Shown {
  failed: (error: unknown) => void = () => {};
  readonly #host: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #opened: Opened;
  readonly #raw: boolean;
  readonly #watch: ResizeObserver;
  readonly #pointers = new Map<number, { x: number; y: number }>();
  #look: Look = { x: 0, y: 0, scale: 0 };
  #fitted = true;
  #slice = 0;
  #whole: Sheet | undefined;
  #sharp: Sheet | undefined;
  #drawing = false;
  #stale = true;
  #frame = 0;
  #stopPlaying = () => {};
  #ended = false;
  #settled: { promise: Promise<void>; resolve(): void } | undefined;

  constructor(
    host: HTMLElement,
    root: ShadowRoot,
    opened: Opened,
    { name, raw }: { readonly name: string; readonly raw: boolean },
  ) {
    this.#host = host;
    this.#opened = opened;
    this.#raw = raw;
    const canvas = shownCanvas(`${name}: plus and minus zoom, arrows move, 0 shows all of it`);
    this.#canvas = canvas;
    root.replaceChildren(canvas);
    if (opened.shape.length === 3) root.append(this.#slices(opened.shape[0]!));
    host.style.setProperty('--functa-ratio', `${this.#columns} / ${this.#rows}`);
    hearWheel(canvas, (factor, event) => this.#zoom(factor, this.#place(event)));
    canvas.addEventListener('pointerdown', (event) => this.#press(event));
    canvas.addEventListener('pointermove', (event) => this.#drag(event));
    for (const over of ['pointerup', 'pointercancel'] as const)
      canvas.addEventListener(over, (event) => this.#pointers.delete(event.pointerId));
    const step = (across: number, down: number) =>
      this.#move(across * keyStep * canvas.width, down * keyStep * canvas.height);
    const zoom = (factor: number) => this.#zoom(factor, { x: canvas.width / 2, y: canvas.height / 2 });
    hearKeys(canvas, zoom, {
      '0': () => this.#fit(),
      ArrowLeft: () => step(1, 0),
      ArrowRight: () => step(-1, 0),
      ArrowUp: () => step(0, 1),
      ArrowDown: () => step(0, -1),
    });
    canvas.addEventListener('dblclick', () => this.#fit());
    this.#watch = new ResizeObserver(() => this.#resize());
    this.#watch.observe(canvas);
  }

  get look(): Look {
    return this.#look;
  }

  get drawn(): Promise<void> {
    if (!this.#stale && !this.#drawing) return Promise.resolve();
    if (this.#settled === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#settled = { promise, resolve };
    }
    return this.#settled.promise;
  }

  lookAt(look: Look): void {
    this.#fitted = false;
    this.#set(look, false);
  }

  end(): void {
    this.#ended = true;
    this.#watch.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#stopPlaying();
    for (const sheet of [this.#whole, this.#sharp]) sheet?.bitmap.close();
  }

  get #rows(): number {
    return this.#opened.shape.at(-2)!;
  }

  get #columns(): number {
    return this.#opened.shape.at(-1)!;
  }

  /** A slider over the slices of a function of three axes, and a button that plays them. */
  #slices(count: number): HTMLElement {
    const slider = document.createElement('input');
    slider.type = 'range';
    slider.max = String(count - 1);
    slider.value = '0';
    slider.setAttribute('aria-label', this.#opened.axes[0]?.name ?? 'slice');
    const turn = (slice: number) => {
      this.#slice = slice;
      slider.value = String(slice);
      this.#changed();
    };
    slider.addEventListener('input', () => turn(Number(slider.value)));
    const { bar, stop } = playBar({ start: 'Play', pause: 'Pause', ms: sliceMs }, () =>
      turn((this.#slice + 1) % count),
    );
    this.#stopPlaying = stop;
    bar.append(slider);
    return bar;
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    const density = devicePixelRatio || 1;
    this.#canvas.width = Math.max(1, Math.round(clientWidth * density));
    this.#canvas.height = Math.max(1, Math.round(clientHeight * density));
    if (this.#fitted) this.#fit();
    else this.#changed();
  }

  #fit(): void {
    const { width, height } = this.#canvas;
    this.#fitted = true;
    const scale = Math.min(width / this.#columns, height / this.#rows);
    this.#set({ x: this.#columns / 2, y: this.#rows / 2, scale });
  }

  #set({ x, y, scale }: Look, tell = true): void {
    const { width, height } = this.#canvas;
    const least = Math.min(width / this.#columns, height / this.#rows) / 2;
    const held = Math.min(mostScale, Math.max(least, scale));
    const within = (at: number, most: number) => Math.min(most, Math.max(0, at));
    this.#look = { x: within(x, this.#columns), y: within(y, this.#rows), scale: held };
    if (tell) this.#host.dispatchEvent(new CustomEvent('functa-look', { detail: this.#look }));
    this.#changed();
  }

  /** Zooms by a factor, around a place of the canvas. */
  #zoom(factor: number, at: { readonly x: number; readonly y: number }): void {
    const { x, y, scale } = this.#look;
    const next = Math.min(mostScale, scale * factor);
    const [dx, dy] = [at.x - this.#canvas.width / 2, at.y - this.#canvas.height / 2];
    this.#fitted = false;
    this.#set({ x: x + dx / scale - dx / next, y: y + dy / scale - dy / next, scale: next });
  }

  #move(dx: number, dy: number): void {
    const { x, y, scale } = this.#look;
    this.#fitted = false;
    this.#set({ x: x - dx / scale, y: y - dy / scale, scale });
  }

  #place(event: MouseEvent): { x: number; y: number } {
    const { left, top, width } = this.#canvas.getBoundingClientRect();
    const density = this.#canvas.width / Math.max(1, width);
    return { x: (event.clientX - left) * density, y: (event.clientY - top) * density };
  }

  #press(event: PointerEvent): void {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#place(event));
  }

  #drag(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) return;
    const now = this.#place(event);
    const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    this.#pointers.set(event.pointerId, now);
    if (other === undefined) {
      this.#move(now.x - before.x, now.y - before.y);
      return;
    }
    const apart = (at: { x: number; y: number }) => Math.hypot(at.x - other.x, at.y - other.y);
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    this.#zoom(apart(now) / Math.max(1, apart(before)), middle);
  }

  #changed(): void {
    this.#stale = true;
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#paint());
    void this.#sharpen();
  }

  /** The function laid out at the scale that is looked at, and the part of it that is visible. */
  #visible(): { width: number; height: number; part: Rectangle } {
    const { x, y, scale } = this.#look;
    const [width, height] = [this.#columns, this.#rows].map((n) => Math.max(1, Math.round(n * scale))) as [
      number,
      number,
    ];
    const side = (middle: number, along: number, own: number, most: number) => {
      const first = Math.max(0, Math.floor((middle / own) * most - along / 2));
      const last = Math.min(most, Math.ceil((middle / own) * most + along / 2));
      return { first, count: Math.max(1, last - first) };
    };
    const across = side(x, this.#canvas.width, this.#columns, width);
    const down = side(y, this.#canvas.height, this.#rows, height);
    return {
      width,
      height,
      part: { x: across.first, y: down.first, width: across.count, height: down.count },
    };
  }

  async #sharpen(): Promise<void> {
    if (this.#drawing || this.#ended || this.#look.scale === 0) return;
    this.#drawing = true;
    try {
      while (this.#stale && !this.#ended) {
        this.#stale = false;
        const began = performance.now();
        const wanted = { ...this.#visible(), slice: this.#slice };
        const { rgba } = await sharedReader().draw(this.#opened.key, { ...wanted, raw: this.#raw });
        if (this.#ended) return;
        const { width, height } = wanted.part;
        const bitmap = await createImageBitmap(new ImageData(rgba, width, height));
        this.#keep({ ...wanted, bitmap });
        this.#paint();
        const milliseconds = performance.now() - began;
        this.#host.dispatchEvent(new CustomEvent('functa-drawn', { detail: { milliseconds } }));
      }
    } catch (error) {
      if (!this.#ended) this.failed(error);
    } finally {
      this.#drawing = false;
    }
    this.#settled?.resolve();
    this.#settled = undefined;
  }

  #keep(sheet: Sheet): void {
    const { part, width, height } = sheet;
    const isWhole = part.width === width && part.height === height;
    const old = isWhole ? [this.#whole, this.#sharp] : [this.#sharp];
    for (const one of old) if (one !== undefined && (isWhole || one !== this.#whole)) one.bitmap.close();
    this.#sharp = sheet;
    if (isWhole) this.#whole = sheet;
  }

  #paint(): void {
    const context = this.#canvas.getContext('2d');
    if (context === null || this.#ended) return;
    const { width, height } = this.#canvas;
    context.clearRect(0, 0, width, height);
    for (const sheet of new Set([this.#whole, this.#sharp])) {
      if (sheet !== undefined) this.#stretch(context, sheet);
    }
  }

  /** Where a sheet stands now. */
  #stretch(context: CanvasRenderingContext2D, { bitmap, part, width, height }: Sheet): void {
    const { x, y, scale } = this.#look;
    // the shorter side may be less than a sample long, and is one
    const own = Math.min(width / this.#columns, height / this.#rows);
    const grown = Math.abs(scale / own - 1) < 1e-3 ? 1 : scale / own;
    context.imageSmoothingEnabled = grown !== 1;
    const left = this.#canvas.width / 2 + (part.x / own - x) * scale;
    const top = this.#canvas.height / 2 + (part.y / own - y) * scale;
    const exact = (at: number) => (grown === 1 ? Math.round(at) : at);
    context.drawImage(bitmap, exact(left), exact(top), part.width * grown, part.height * grown);
  }
}
