/*
 * The sweeps of a linear field: what every number of a modulation changes through the samples that its cell reaches, the best symbol for it,
 * and what that leaves of the error. Memory is laid out by src/fit/linear-field.ts, which says what is computed.
 *
 * A line of samples along the last axis is a run of floats, [samples, outputs], and so are its weights, each repeated for all outputs; runs
 * are padded to whole vectors with weights of 0, and what is read beyond a run's end is finite.
 */
#include <stdint.h>
#include <wasm_simd128.h>

/* Samples along an axis, as a power of two, that share a time of their last change. */
#define BLOCK_BITS 2

/* The samples along an axis that a cell reaches, and by how much. */
typedef struct Reach {
  int32_t from, length;
  const double *weights;           /* [length] */
  const float *run, *runOfSquares; /* of the last axis: [length, outputs] and padding */
  const struct Reach *rest;        /* at the other end of a circle */
} Reach;

typedef struct {
  int32_t at, channels, first;
  int32_t cells[3];
  const Reach *axes[3]; /* [cells] */
} Level;

typedef struct {
  int32_t outputs, rows, columns, blockColumns;
  const Level *levels;
  float **slopes; /* [channels]: [points, outputs]; null for channels that stay as they are */
  float *residual, *error;
  const int8_t *sides;    /* null where nothing is clipped; error is then residual */
  const uint8_t *bounded; /* [blocks] */
  float *curvature;       /* [m] */
  double *slopeOf;        /* [m] */
  int32_t *summedAt;      /* [m] */
  int32_t *changedAt;     /* [blocks] */
  int32_t *tried;         /* [m] */
  const int32_t *best;    /* [m] */
  const double *steps;    /* [m] */
  int32_t now;
} Field;

/* Change of the cost in units of the error when symbol `i` goes from one to the other. */
__attribute__((import_module("env"), import_name("price"))) double price(int i, int from, int to);

static inline long start(const Field *f, const Reach *planes, int z, const Reach *rows, int y, const Reach *columns) {
  return (((long)(planes->from + z) * f->rows + rows->from + y) * f->columns + columns->from) * f->outputs;
}

/* Sum over the samples reached of weight a b, or of weight^2 a^2. */
static double sum(const Field *f, const float *a, const float *b, int squared, const Reach *planes, const Reach *rows, const Reach *columns) {
  double total = 0;
  for (; columns; columns = columns->rest) {
    const int length = columns->length * f->outputs;
    const float *run = squared ? columns->runOfSquares : columns->run;
    for (int z = 0; z < planes->length; z++) {
      v128_t low = wasm_f64x2_splat(0), high = low;
      for (int y = 0; y < rows->length; y++) {
        const long from = start(f, planes, z, rows, y, columns);
        v128_t line = wasm_f32x4_splat(0);
        for (int i = 0; i < length; i += 4)
          line = wasm_f32x4_add(line, wasm_f32x4_mul(wasm_v128_load(run + i), wasm_f32x4_mul(wasm_v128_load(a + from + i), wasm_v128_load(b + from + i))));
        const double w = rows->weights[y];
        const v128_t weight = wasm_f64x2_splat(squared ? w * w : w);
        low = wasm_f64x2_add(low, wasm_f64x2_mul(weight, wasm_f64x2_promote_low_f32x4(line)));
        high = wasm_f64x2_add(high, wasm_f64x2_mul(weight, wasm_f64x2_promote_low_f32x4(wasm_i32x4_shuffle(line, line, 2, 3, 2, 3))));
      }
      const v128_t both = wasm_f64x2_add(low, high);
      const double w = planes->weights[z];
      total += (squared ? w * w : w) * (wasm_f64x2_extract_lane(both, 0) + wasm_f64x2_extract_lane(both, 1));
    }
  }
  return total;
}

/* Change of half the sum of squares of the error when the number with these slopes moves by `x`. */
static double changeBy(const Field *f, const float *slopes, double x, const Reach *planes, const Reach *rows, const Reach *columns) {
  const v128_t zero = wasm_f32x4_splat(0);
  v128_t low = wasm_f64x2_splat(0), high = low;
  for (; columns; columns = columns->rest) {
    const int length = columns->length * f->outputs;
    for (int z = 0; z < planes->length; z++)
      for (int y = 0; y < rows->length; y++) {
        const v128_t weight = wasm_f32x4_splat((float)(x * planes->weights[z] * rows->weights[y]));
        const long from = start(f, planes, z, rows, y, columns);
        v128_t line = zero;
        for (int i = 0; i < length; i += 4) {
          const v128_t share = wasm_f32x4_mul(weight, wasm_v128_load(columns->run + i));
          const v128_t moved = wasm_f32x4_sub(wasm_v128_load(f->residual + from + i), wasm_f32x4_mul(share, wasm_v128_load(slopes + from + i)));
          const v128_t before = wasm_v128_load(f->error + from + i);
          const v128_t sides = wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(f->sides + from + i))));
          const v128_t after = wasm_v128_andnot(moved, wasm_f32x4_lt(wasm_f32x4_mul(moved, sides), zero));
          /* Beyond the run nothing moves: errors there are what they were. */
          line = wasm_f32x4_add(line, wasm_f32x4_mul(wasm_f32x4_sub(after, before), wasm_f32x4_add(after, before)));
        }
        low = wasm_f64x2_add(low, wasm_f64x2_promote_low_f32x4(line));
        high = wasm_f64x2_add(high, wasm_f64x2_promote_low_f32x4(wasm_i32x4_shuffle(line, line, 2, 3, 2, 3)));
      }
  }
  const v128_t both = wasm_f64x2_add(low, high);
  return (wasm_f64x2_extract_lane(both, 0) + wasm_f64x2_extract_lane(both, 1)) / 2;
}

/* Moves the number with these slopes by `by`. */
static void move(Field *f, const float *slopes, double by, const Reach *planes, const Reach *rows, const Reach *columns) {
  f->now++;
  for (; columns; columns = columns->rest) {
    const int length = columns->length * f->outputs;
    for (int y = rows->from >> BLOCK_BITS; y <= (rows->from + rows->length - 1) >> BLOCK_BITS; y++)
      for (int x = columns->from >> BLOCK_BITS; x <= (columns->from + columns->length - 1) >> BLOCK_BITS; x++)
        f->changedAt[y * f->blockColumns + x] = f->now;
    for (int z = 0; z < planes->length; z++)
      for (int y = 0; y < rows->length; y++) {
        const v128_t weight = wasm_f32x4_splat((float)(by * planes->weights[z] * rows->weights[y]));
        const long from = start(f, planes, z, rows, y, columns);
        float *residual = f->residual + from;
        for (int i = 0; i < length; i += 4) {
          const v128_t share = wasm_f32x4_mul(weight, wasm_v128_load(columns->run + i));
          wasm_v128_store(residual + i, wasm_f32x4_sub(wasm_v128_load(residual + i), wasm_f32x4_mul(share, wasm_v128_load(slopes + from + i))));
        }
        if (!f->sides) continue;
        for (int i = 0; i < length; i++) f->error[from + i] = residual[i] * f->sides[from + i] < 0 ? 0 : residual[i];
      }
  }
}

/* When the residual last changed near what a cell reaches. */
static int lastChange(const Field *f, const Reach *rows, const Reach *columns) {
  int last = 0;
  for (; columns; columns = columns->rest)
    for (int y = rows->from >> BLOCK_BITS; y <= (rows->from + rows->length - 1) >> BLOCK_BITS; y++)
      for (int x = columns->from >> BLOCK_BITS; x <= (columns->from + columns->length - 1) >> BLOCK_BITS; x++) {
        const int at = f->changedAt[y * f->blockColumns + x];
        if (at > last) last = at;
      }
  return last;
}

static int isBounded(const Field *f, const Reach *rows, const Reach *columns) {
  if (!f->sides) return 0;
  for (; columns; columns = columns->rest)
    for (int y = rows->from >> BLOCK_BITS; y <= (rows->from + rows->length - 1) >> BLOCK_BITS; y++)
      for (int x = columns->from >> BLOCK_BITS; x <= (columns->from + columns->length - 1) >> BLOCK_BITS; x++)
        if (f->bounded[y * f->blockColumns + x]) return 1;
  return 0;
}

typedef struct {
  const Reach *planes, *rows, *columns;
  const float *slopes;
  int i, symbol, bounded;
  double step, slope, bend, damped, pull, damping;
  double least;
  int chosen;
} Choice;

/* Where values are clipped the error is convex in a move: it lies above its tangent, which tells most moves that are not worth their price. */
static void consider(const Field *f, Choice *c, int by) {
  const double bits = price(c->i, c->symbol, c->symbol + by);
  double error = (0.5 * c->damped * by - c->pull) * by;
  if (c->bounded) {
    const double held = c->damping * c->bend * by * (c->symbol - f->best[c->i] + 0.5 * by);
    if (held - c->slope * c->step * by + bits >= c->least) return;
    error = changeBy(f, c->slopes, by * c->step, c->planes, c->rows, c->columns) + held;
  }
  const double change = error + bits;
  if (change >= c->least) return;
  c->least = change;
  c->chosen = by;
}

static inline int signOf(double x) { return (x > 0) - (x < 0); }

/* By how much symbol `i` should change. */
static int choose(const Field *f, Choice *c, double slope) {
  c->symbol = f->tried[c->i];
  c->step = f->steps[c->i];
  c->slope = slope;
  c->bend = f->curvature[c->i] * c->step * c->step;
  c->damped = c->bend * (1 + c->damping);
  c->pull = slope * c->step - c->damping * c->bend * (c->symbol - f->best[c->i]);
  const double exact = c->damped > 0 ? __builtin_floor(c->pull / c->damped + 0.5) : 0;
  const int ideal = exact > 1e6 ? 1000000 : exact < -1e6 ? -1000000 : (int)exact;
  if (c->symbol == 0 && ideal == 0 && !c->bounded) return 0;
  c->least = 0;
  c->chosen = 0;
  /* Beyond a bound error is none: one step more than the parabola says may be free. */
  const int beyond = ideal + signOf(c->pull);
  if (c->bounded && beyond != ideal) consider(f, c, beyond);
  const int next = c->symbol + ideal;
  const int inward = next - signOf(next) - c->symbol;
  if (ideal != 0) consider(f, c, ideal);
  if (inward != ideal && inward != 0) consider(f, c, inward);
  if (c->symbol != 0 && -c->symbol != ideal && -c->symbol != inward) consider(f, c, -c->symbol);
  return c->chosen;
}

/* Goes through the cells of a line along the last axis of a level; whether any symbol moved. */
__attribute__((export_name("sweep"))) int sweep(Field *f, int k, int plane, int row, double damping) {
  const Level *l = &f->levels[k];
  Choice c;
  c.planes = l->axes[0] + plane;
  c.rows = l->axes[1] + row;
  c.damping = damping;
  int moved = 0;
  int i = l->at + (plane * l->cells[1] + row) * l->cells[2] * l->channels;
  for (int cell = 0; cell < l->cells[2]; cell++) {
    c.columns = l->axes[2] + cell;
    c.bounded = isBounded(f, c.rows, c.columns);
    for (int channel = 0; channel < l->channels; channel++, i++) {
      const float *slopes = f->slopes[l->first + channel];
      if (!slopes) continue;
      if (lastChange(f, c.rows, c.columns) > f->summedAt[i]) {
        f->slopeOf[i] = sum(f, slopes, f->error, 0, c.planes, c.rows, c.columns);
        f->summedAt[i] = f->now;
      }
      c.i = i;
      c.slopes = slopes;
      const int by = choose(f, &c, f->slopeOf[i]);
      if (by == 0) continue;
      moved = 1;
      f->tried[i] += by;
      move(f, slopes, by * c.step, c.planes, c.rows, c.columns);
    }
  }
  return moved;
}

/* The curvature of the numbers of such a line. */
__attribute__((export_name("bend"))) void bend(Field *f, int k, int plane, int row) {
  const Level *l = &f->levels[k];
  int i = l->at + (plane * l->cells[1] + row) * l->cells[2] * l->channels;
  for (int cell = 0; cell < l->cells[2]; cell++)
    for (int channel = 0; channel < l->channels; channel++, i++) {
      const float *slopes = f->slopes[l->first + channel];
      if (slopes) f->curvature[i] = (float)sum(f, slopes, slopes, 1, l->axes[0] + plane, l->axes[1] + row, l->axes[2] + cell);
    }
}
