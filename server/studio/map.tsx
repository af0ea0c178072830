/** A functaset as a map: each function where its modulation stands along the two directions in which the modulations differ most. */
import { useEffect, useRef } from 'preact/hooks';
import { client } from './service.ts';
import { Progress, useLoaded } from './ui.tsx';

const radius = 2.5;
/** How near a click has to be, in pixels. */
const reach = 12;

interface Where {
  x: number;
  y: number;
  scale: number;
}

export function MapOfFunctions({
  set,
  chosen,
  onPick,
}: {
  set: string;
  chosen: string | undefined;
  onPick(id: string): void;
}) {
  const task = useLoaded((signal) => client.functasetMap(set, { signal }), [set]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const where = useRef<Where>({ x: 0, y: 0, scale: 1 });
  const { value } = task;

  const paint = () => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (element == null || context == null || value === undefined) return;
    const density = devicePixelRatio || 1;
    const [width, height] = [element.clientWidth, element.clientHeight];
    element.width = width * density;
    element.height = height * density;
    context.scale(density, density);
    const labels = [...new Set(value.labels)];
    for (let i = 0; i < value.ids.length; i++) {
      const { x, y } = placed(value, i, where.current, width, height);
      if (x < -radius || y < -radius || x > width + radius || y > height + radius) continue;
      const hue = (360 * labels.indexOf(value.labels[i]!)) / labels.length;
      context.fillStyle = `hsl(${hue} 55% 55% / 0.8)`;
      context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
      if (value.ids[i] === chosen) {
        context.strokeStyle = getComputedStyle(element).color;
        context.lineWidth = 2;
        context.strokeRect(x - 6, y - 6, 12, 12);
      }
    }
  };
  useEffect(() => {
    paint();
    const element = canvas.current;
    if (element === null) return;
    const watch = new ResizeObserver(paint);
    watch.observe(element);
    const turn = (event: WheelEvent) => {
      event.preventDefault();
      const at = where.current;
      const box = element.getBoundingClientRect();
      const next = Math.min(200, Math.max(1, at.scale * Math.exp(-event.deltaY * 0.0015)));
      const grown = next / at.scale;
      const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
      where.current = { scale: next, x: x - (x - at.x) * grown, y: y - (y - at.y) * grown };
      requestAnimationFrame(paint);
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
    let best = reach;
    let found: string | undefined;
    for (let i = 0; i < value.ids.length; i++) {
      const at = placed(value, i, where.current, element.clientWidth, element.clientHeight);
      const far = Math.hypot(at.x - x, at.y - y);
      if (far < best) [best, found] = [far, value.ids[i]];
    }
    if (found !== undefined) onPick(found);
  };
  const step = (by: number) => {
    if (value === undefined || value.ids.length === 0) return;
    const at = chosen === undefined ? -1 : value.ids.indexOf(chosen);
    onPick(value.ids[(at + by + value.ids.length) % value.ids.length]!);
  };
  const dragged = useRef<{ x: number; y: number; moved: boolean } | undefined>(undefined);

  return (
    <section aria-label="Map">
      <Progress task={task} doing="Laying out the map" />
      {value !== undefined && (
        <>
          <canvas
            ref={canvas}
            class="map"
            tabIndex={0}
            role="img"
            aria-label={`Map of ${value.ids.length} functions: arrows walk through them, the wheel zooms`}
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
              requestAnimationFrame(paint);
            }}
            onPointerUp={(event) => {
              const box = event.currentTarget.getBoundingClientRect();
              if (dragged.current?.moved === false)
                pickNear(event.clientX - box.left, event.clientY - box.top);
              dragged.current = undefined;
            }}
            onKeyDown={(event) => {
              if (event.key === 'ArrowRight' || event.key === 'ArrowDown') step(1);
              else if (event.key === 'ArrowLeft' || event.key === 'ArrowUp') step(-1);
              else return;
              event.preventDefault();
            }}
          />
          <p class="note">
            {value.ids.length} functions, a colour a label; the two directions hold{' '}
            {(100 * value.share).toFixed(0)} % of what modulations differ by.
          </p>
        </>
      )}
    </section>
  );
}

function placed(
  { points }: { readonly points: readonly (readonly number[])[] },
  i: number,
  { x, y, scale }: Where,
  width: number,
  height: number,
) {
  const [u, v] = points[i]! as [number, number];
  const half = (Math.min(width, height) / 2) * 0.94 * scale;
  const wide = (width / 2) * 0.94 * scale;
  return { x: width / 2 + x + u * wide, y: height / 2 + y + v * half };
}
