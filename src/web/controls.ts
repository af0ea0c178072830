/** Parts of what is moved or turned on a canvas. */

/** A canvas that keyboards reach; `label` says what it shows and what keys do. */
export function shownCanvas(label: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', label);
  return canvas;
}

const keyZoom = 1.25;
const wheelZoom = 0.0015;

/** Acts by the names of keys; plus and minus zoom by a factor. */
export function hearKeys(
  canvas: HTMLCanvasElement,
  zoom: (factor: number) => void,
  acts: Readonly<Record<string, () => void>>,
): void {
  const all: Readonly<Record<string, () => void>> = {
    '+': () => zoom(keyZoom),
    '=': () => zoom(keyZoom),
    '-': () => zoom(1 / keyZoom),
    ...acts,
  };
  canvas.addEventListener('keydown', (event) => {
    const act = all[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  });
}

/** A pinch on a pad is a wheel with the control key, and of smaller steps. */
export function hearWheel(
  canvas: HTMLCanvasElement,
  zoom: (factor: number, event: WheelEvent) => void,
): void {
  const hear = (event: WheelEvent) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * wheelZoom * (event.ctrlKey ? 4 : 1)), event);
  };
  canvas.addEventListener('wheel', hear, { passive: false });
}

/** A bar with a button that does something again and again, until it is pressed once more; `stop` for the end. */
export function playBar(
  { start, pause, ms }: { readonly start: string; readonly pause: string; readonly ms: number },
  step: () => void,
): { readonly bar: HTMLElement; stop(): void } {
  const bar = document.createElement('div');
  bar.className = 'bar';
  const play = document.createElement('button');
  play.textContent = start;
  let timer: ReturnType<typeof setInterval> | undefined;
  play.addEventListener('click', () => {
    const playing = timer !== undefined;
    clearInterval(timer);
    timer = playing ? undefined : setInterval(step, ms);
    play.textContent = playing ? start : pause;
  });
  bar.append(play);
  return { bar, stop: () => clearInterval(timer) };
}
