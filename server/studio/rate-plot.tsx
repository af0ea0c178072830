/** What a model reaches at how many bits: the figures of its card that are of the same quality, as a curve. */
import type { ModelDetail } from 'functa/client';

interface Reached {
  readonly quality: number;
  readonly bitsPerPoint: number;
  readonly psnrDb: number;
}

const [width, height] = [320, 190];
const margin = { left: 42, right: 14, top: 14, bottom: 34 };

/** Nothing where a card has no two qualities with both figures. */
export function RatePlot({ figures }: { figures: ModelDetail['figures'] }) {
  const reached = reachedOf(figures);
  if (reached.length < 2) return null;
  const x = scaleOf(
    0,
    Math.max(...reached.map(({ bitsPerPoint }) => bitsPerPoint)),
    margin.left,
    width - margin.right,
  );
  const decibels = reached.map(({ psnrDb }) => psnrDb);
  const y = scaleOf(Math.min(...decibels), Math.max(...decibels), height - margin.bottom, margin.top);
  const path = reached.map((at) => `${x.at(at.bitsPerPoint)},${y.at(at.psnrDb)}`).join(' ');
  const told = reached
    .map(
      ({ quality, bitsPerPoint, psnrDb }) =>
        `${psnrDb.toFixed(1)} dB at ${bitsPerPoint.toFixed(2)} bits, quality ${quality}`,
    )
    .join('; ');
  return (
    <figure class="rate">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`Rate and distortion: ${told}`}>
        {y.marks.map((mark) => (
          <g key={mark}>
            <line class="grid" x1={margin.left} x2={width - margin.right} y1={y.at(mark)} y2={y.at(mark)} />
            <text x={margin.left - 6} y={y.at(mark) + 3} text-anchor="end">
              {mark}
            </text>
          </g>
        ))}
        {x.marks.map((mark) => (
          <text key={mark} x={x.at(mark)} y={height - margin.bottom + 15} text-anchor="middle">
            {mark}
          </text>
        ))}
        <text x={(margin.left + width - margin.right) / 2} y={height - 4} text-anchor="middle">
          bits a point
        </text>
        <polyline points={path} />
        {reached.map(({ quality, bitsPerPoint, psnrDb }) => (
          <circle key={quality} cx={x.at(bitsPerPoint)} cy={y.at(psnrDb)} r="3.5">
            <title>{`quality ${quality}: ${psnrDb.toFixed(2)} dB at ${bitsPerPoint.toFixed(3)} bits a point`}</title>
          </circle>
        ))}
      </svg>
      <figcaption>
        <b>PSNR, dB</b>
        <span>held-out signals; bits by the density that it was trained with</span>
      </figcaption>
    </figure>
  );
}

function reachedOf(figures: Readonly<Record<string, unknown>>): Reached[] {
  return Object.entries(figures)
    .flatMap(([name, bitsPerPoint]) => {
      const quality = /^logisticBitsPerPointAtQuality(\d+)$/.exec(name)?.[1];
      const psnrDb = figures[`psnrDbMeanOfItemsAtQuality${quality}`];
      return typeof bitsPerPoint === 'number' && typeof psnrDb === 'number'
        ? [{ quality: Number(quality), bitsPerPoint, psnrDb }]
        : [];
    })
    .sort((a, b) => a.quality - b.quality);
}

/** From a range of values, widened to whole marks, to places of the drawing. */
function scaleOf(low: number, high: number, first: number, last: number) {
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10].find((one) => (high - low) / one <= 4) ?? 20;
  const [from, to] = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
  const marks = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) =>
    Number((from + i * step).toFixed(2)),
  );
  const at = (value: number) => first + ((value - from) / (to - from || 1)) * (last - first);
  return { marks, at };
}
