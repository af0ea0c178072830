/**
 * The surface of a shape on a canvas that is turned: dragging and arrows turn it, the wheel, plus and minus come nearer. While it turns it is drawn
 * on fewer samples; the worker draws one picture at a time, and the last one asked for sharply.
 */
import { firstLook } from '../field/surface.ts';
import { hearKeys, hearWheel, playBar, shownCanvas } from './controls.ts';
import type { Opened } from './messages.ts';
import type { Look, Shown } from './shown.ts';
import { sharedReader } from './worker-reader.ts';

/** Samples of the shorter side while it turns. */
const turningSide = 200;
const [leastZoom, mostZoom] = [0.5, 20];
/** Radians: of an arrow, and of each picture while it turns by itself. */
const [keyTurn, playTurn] = [Math.PI / 12, Math.PI / 60];
const playMs = 40;
/** Milliseconds without a move after which it is drawn sharply. */
const stillMs = 120;

export class Solid implements Shown {
  failed: (error: unknown) => void = () => {};
  readonly #host: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #opened: Opened;
  readonly #watch: ResizeObserver;
  #look: Look = { x: firstLook.yaw, y: firstLook.pitch, scale: 1 };
  #sharpAt = 0;
  #asked = 0;
  #drawn = 0;
  #drawing: Promise<void> | undefined;
  readonly #stopTurning: () => void;
  #ended = false;

  constructor(host: HTMLElement, root: ShadowRoot, opened: Opened, { name }: { readonly name: string }) {
    this.#host = host;
    this.#opened = opened;
    const canvas = shownCanvas(`${name}: arrows turn, plus and minus zoom, 0 shows it as at first`);
    this.#canvas = canvas;
    const { bar, stop } = playBar({ start: 'Turn', pause: 'Stop', ms: playMs }, () =>
      this.#turn(playTurn, 0),
    );
    this.#stopTurning = stop;
    root.replaceChildren(canvas, bar);
    host.style.setProperty('--functa-ratio', '1');
    hearWheel(canvas, (factor) => this.#zoom(factor));
    canvas.addEventListener('pointerdown', (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener('pointermove', (event) => this.#drag(event));
    hearKeys(canvas, (factor) => this.#zoom(factor), {
      '0': () => this.#reset(),
      ArrowLeft: () => this.#turn(-keyTurn, 0),
      ArrowRight: () => this.#turn(keyTurn, 0),
      ArrowUp: () => this.#turn(0, keyTurn),
      ArrowDown: () => this.#turn(0, -keyTurn),
    });
    canvas.addEventListener('dblclick', () => this.#reset());
    this.#watch = new ResizeObserver(() => this.#changed(0));
    this.#watch.observe(canvas);
  }

  get look(): Look {
    return this.#look;
  }

  get drawn(): Promise<void> {
    return this.#drawing ?? Promise.resolve();
  }

  lookAt(look: Look): void {
    this.#look = held(look);
    this.#changed(stillMs);
  }

  end(): void {
    this.#ended = true;
    this.#watch.disconnect();
    this.#stopTurning();
  }

  #set(look: Look): void {
    this.lookAt(look);
    this.#host.dispatchEvent(new CustomEvent('functa-look', { detail: this.#look }));
  }

  #turn(yaw: number, pitch: number): void {
    const { x, y, scale } = this.#look;
    this.#set({ x: x + yaw, y: y + pitch, scale });
  }

  #zoom(factor: number): void {
    this.#set({ ...this.#look, scale: this.#look.scale * factor });
  }

  #reset(): void {
    this.#set({ x: firstLook.yaw, y: firstLook.pitch, scale: 1 });
  }

  #drag({ buttons, movementX, movementY }: PointerEvent): void {
    if (buttons === 0) return;
    const perPixel = Math.PI / Math.max(1, this.#canvas.clientWidth);
    this.#turn(-movementX * perPixel, movementY * perPixel);
  }

  #changed(still: number): void {
    this.#asked++;
    this.#sharpAt = performance.now() + still;
    this.#drawing ??= this.#draw()
      .catch((error) => {
        if (!this.#ended) this.failed(error);
      })
      .finally(() => {
        this.#drawing = undefined;
      });
  }

  /** Until what is shown is what was asked for last, on every sample of the screen. */
  async #draw(): Promise<void> {
    for (let isSharp = false; !this.#ended && !(isSharp && this.#drawn === this.#asked); ) {
      const began = performance.now();
      isSharp = began >= this.#sharpAt;
      if (!isSharp && this.#drawn === this.#asked) {
        await new Promise((done) => setTimeout(done, this.#sharpAt - began));
        continue;
      }
      const asked = this.#asked;
      await this.#picture(isSharp);
      this.#drawn = asked;
      const detail = { milliseconds: performance.now() - began };
      if (!this.#ended) this.#host.dispatchEvent(new CustomEvent('functa-drawn', { detail }));
    }
  }

  async #picture(isSharp: boolean): Promise<void> {
    const density = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.#canvas;
    const shorter = Math.max(1, Math.min(clientWidth, clientHeight) * density);
    const part = density * (isSharp ? 1 : Math.min(1, turningSide / shorter));
    const width = Math.max(1, Math.round(clientWidth * part));
    const height = Math.max(1, Math.round(clientHeight * part));
    const { x: yaw, y: pitch, scale: zoom } = this.#look;
    const { rgba } = await sharedReader().turn(this.#opened.key, { width, height, yaw, pitch, zoom });
    if (this.#ended) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }
}

/** It is not turned over its top. */
function held({ x, y, scale }: Look): Look {
  const pitch = Math.min(Math.PI / 2, Math.max(-Math.PI / 2, y));
  return { x, y: pitch, scale: Math.min(mostZoom, Math.max(leastZoom, scale)) };
}
