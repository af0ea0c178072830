/** A functaset as a map: each function where its modulation stands along the two directions in which the modulations differ most. */
import type { FunctasetMapJson } from 'functa/client';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { type Cloud, drawCloud, type Placing, paletteOf } from './raster.ts';
import { client } from './service.ts';
import { Progress, useLoaded } from './ui.tsx';

/** How near a click has to be, in pixels. */
const reach = 12;
/** Functions that are shown at once, before all are laid out; and all, at most. */
const atOnce = 500;
const atMost = 100_000;
const mostZoom = 200;
const keyZoom = 1.25;
/** Colours that a byte can name. */
const mostColours = 256;

interface Where {
  x: number;
  y: number;
  scale: number;
}

interface MapData extends Cloud {
  readonly ids: readonly string[];
  readonly palette: Uint32Array;
  readonly share: number;
  readonly of: number;
}

export function MapOfFunctions({
  set,
  count,
  chosen,
  onPick,
}: {
  set: string;
  /** Functions of the set. */
  count: number;
  chosen: string | undefined;
  onPick(id: string): void;
}) {
  const isLarge = count > atOnce;
  const first = useLoaded((signal) => client.functasetMap(set, { signal, limit: atOnce }), [set]);
  // at the same time: one that was laid out before is there as soon
  const whole = useLoaded(
    async (signal) => (isLarge ? client.functasetMap(set, { signal, limit: atMost }) : undefined),
    [set, isLarge],
  );
  const shown = (isLarge && whole.value) || first.value;
  const value = useMemo(() => (shown === undefined ? undefined : dataOf(shown)), [shown]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const where = useRef<Where>({ x: 0, y: 0, scale: 1 });
  const frame = useRef(0);
  const sheet = useRef<ImageData>(undefined);

  const paint = () => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (element == null || context == null || value === undefined) return;
    const began = performance.now();
    const density = devicePixelRatio || 1;
    const width = Math.max(1, Math.round(element.clientWidth * density));
    const height = Math.max(1, Math.round(element.clientHeight * density));
    if (sheet.current?.width !== width || sheet.current.height !== height) {
      element.width = width;
      element.height = height;
      sheet.current = new ImageData(width, height);
    }
    const placing = placingOf(where.current, width, height, density);
    const dots = new Uint32Array(sheet.current.data.buffer);
    const side = Math.round((value.ids.length > 20_000 ? 2 : 5) * density);
    drawCloud(value, placing, value.palette, { dots, width, side });
    context.putImageData(sheet.current, 0, 0);
    const at = chosen === undefined ? -1 : value.ids.indexOf(chosen);
    if (at >= 0) {
      const [x, y] = placeOf(value, at, placing);
      context.strokeStyle = getComputedStyle(element).color;
      context.lineWidth = 2 * density;
      context.strokeRect(x - 6 * density, y - 6 * density, 12 * density, 12 * density);
    }
    element.dispatchEvent(
      new CustomEvent('map-drawn', { detail: { milliseconds: performance.now() - began } }),
    );
  };
  const repaint = () => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(paint);
  };
  const zoom = (grown: number, x: number, y: number) => {
    const at = where.current;
    const scale = Math.min(mostZoom, Math.max(1, at.scale * grown));
    const by = scale / at.scale;
    where.current = { scale, x: x - (x - at.x) * by, y: y - (y - at.y) * by };
    repaint();
  };
  useEffect(() => {
    paint();
    const element = canvas.current;
    if (element === null) return;
    const watch = new ResizeObserver(repaint);
    watch.observe(element);
    const turn = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
      zoom(Math.exp(-event.deltaY * 0.0015), x, y);
    };
    element.addEventListener('wheel', turn, { passive: false });
    return () => {
      watch.disconnect();
      element.removeEventListener('wheel', turn);
    };
  }, [value, chosen]);

  const pickNear = (x: number, y: number) => {
    const element = canvas.current;
    if (element === null || value === undefined) return;
    const placing = placingOf(where.current, element.clientWidth, element.clientHeight, 1);
    let best = reach;
    let found: string | undefined;
    for (let i = 0; i < value.ids.length; i++) {
      const [px, py] = placeOf(value, i, placing);
      const far = Math.hypot(px - x, py - y);
      if (far < best) [best, found] = [far, value.ids[i]];
    }
    if (found !== undefined) onPick(found);
  };
  const step = (by: number) => {
    if (value === undefined || value.ids.length === 0) return;
    const at = chosen === undefined ? (by > 0 ? -1 : 0) : value.ids.indexOf(chosen);
    onPick(value.ids[(at + by + value.ids.length) % value.ids.length]!);
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowRight: () => step(1),
    ArrowDown: () => step(1),
    ArrowLeft: () => step(-1),
    ArrowUp: () => step(-1),
    '+': () => zoom(keyZoom, 0, 0),
    '=': () => zoom(keyZoom, 0, 0),
    '-': () => zoom(1 / keyZoom, 0, 0),
    '0': () => {
      where.current = { x: 0, y: 0, scale: 1 };
      repaint();
    },
  };
  const dragged = useRef<{ x: number; y: number; moved: boolean } | undefined>(undefined);

  return (
    <section aria-label="Map">
      <Progress task={first} doing="Laying out the map" />
      <Progress task={whole} doing={`Laying out all ${count.toLocaleString('en')} functions`} />
      {value !== undefined && value.ids.length === 0 && <p class="empty">No function is here yet.</p>}
      {value !== undefined && value.ids.length > 0 && (
        <>
          <canvas
            ref={canvas}
            class="map"
            tabIndex={0}
            role="img"
            aria-label={`Map of ${value.ids.length} functions: arrows walk through them, plus and minus zoom, 0 shows all`}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              dragged.current = { x: event.clientX, y: event.clientY, moved: false };
            }}
            onPointerMove={(event) => {
              const from = dragged.current;
              if (from === undefined) return;
              const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
              if (!from.moved && Math.hypot(dx, dy) < 3) return;
              where.current = { ...where.current, x: where.current.x + dx, y: where.current.y + dy };
              dragged.current = { x: event.clientX, y: event.clientY, moved: true };
              repaint();
            }}
            onPointerUp={(event) => {
              const box = event.currentTarget.getBoundingClientRect();
              if (dragged.current?.moved === false)
                pickNear(event.clientX - box.left, event.clientY - box.top);
              dragged.current = undefined;
            }}
            onPointerCancel={() => {
              dragged.current = undefined;
            }}
            onKeyDown={(event) => {
              const act = keys[event.key];
              if (act === undefined || event.ctrlKey || event.metaKey) return;
              event.preventDefault();
              act();
            }}
          />
          <p class="note">
            {value.ids.length.toLocaleString('en')}
            {value.ids.length < value.of && ` of ${value.of.toLocaleString('en')}`} functions, a colour a
            label; the two directions hold {(100 * value.share).toFixed(0)} % of what modulations differ by.
          </p>
        </>
      )}
    </section>
  );
}

function dataOf({ ids, labels, points, share, of }: FunctasetMapJson): MapData {
  const numbers = new Map<unknown, number>();
  const colour = Uint8Array.from(labels, (label) => {
    const known = numbers.get(label) ?? numbers.size % mostColours;
    numbers.set(label, known);
    return known;
  });
  return {
    ids,
    x: Float32Array.from(points, ([x]) => x!),
    y: Float32Array.from(points, ([, y]) => y!),
    colour,
    palette: paletteOf(Math.min(mostColours, numbers.size)),
    share,
    of,
  };
}

/** `density`: pixels of the canvas in one of the page, in which `where` is told. */
function placingOf({ x, y, scale }: Where, width: number, height: number, density: number): Placing {
  return {
    centreX: width / 2 + x * density,
    centreY: height / 2 + y * density,
    halfWidth: (width / 2) * 0.94 * scale,
    halfHeight: (Math.min(width, height) / 2) * 0.94 * scale,
  };
}

function placeOf({ x, y }: Cloud, i: number, placing: Placing): [number, number] {
  return [placing.centreX + x[i]! * placing.halfWidth, placing.centreY + y[i]! * placing.halfHeight];
}
