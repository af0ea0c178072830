// Values of fields and their derivatives by the coordinates, in float64: what src/field/slopes64.ts computes, for many points and
// modulations. A unit is a tile of the points for a run of modulations. Of a tile, `points` rows of values stand first, then as
// many rows of derivatives along each axis; all go through the same products. A row's sums do not depend on what stands beside it.
#pragma once
#include "evaluate-list.h"

namespace functa {

inline bool derives(const Job* job) { return job->task == TASK_DERIVE; }

constexpr double HALF_PI64 = 1.57079632679489661923;

FUNCTA_INLINE double* take64(Arena& arena, int64_t n) { return (double*)arena.take(2 * n); }

// Sizes with rows padded to whole vectors of doubles. Padding holds zeros and stays zero.
struct Dims64 {
  int axes, layers, width, outputs, out_columns, row, features, channels, corners, rows;  // corners: of a point, of all levels; rows: 1 + axes
};

FUNCTA_INLINE Dims64 dims64_of(const Dims& d, const Spec& s) {
  Dims64 e{};
  e.axes = d.axes;
  e.layers = d.layers;
  e.width = round_up(s.width, VD);
  e.outputs = d.outputs;
  e.out_columns = round_up(s.outputs, VD);
  e.row = e.layers * e.width + e.out_columns;
  e.features = d.features;
  e.channels = d.channels;
  for (int k = 0; k < d.level_count; k++) e.corners += d.grid[k].corners;
  e.rows = 1 + d.axes;
  return e;
}

// The weights in float64. What leads to a sine is in quarter turns: scaled by w0 * 2 / pi.
struct Net64 {
  double *base;           // [row]: biases, then those of the outputs
  double *w[MAX_LAYERS];  // [rows, width]
  double *wo, *m;         // [width, out_columns]; [channels, row]
};

FUNCTA_INLINE Net64 net64_views(const Dims64& e, Arena& arena) {
  Net64 n{};
  n.base = take64(arena, e.row);
  for (int l = 0; l < e.layers; l++) n.w[l] = take64(arena, (int64_t)(l ? e.width : e.features) * e.width);
  n.wo = take64(arena, (int64_t)e.width * e.out_columns);
  n.m = take64(arena, (int64_t)e.channels * e.row);
  return n;
}

static void prepare_weights64(const Job* job, const Dims64& e, const Net64& n) {
  const int W = job->spec.width, O = job->spec.outputs;
  const double turns = job->spec.w0 / HALF_PI64;
  const float* p = job->weights;
  auto rows = [&](int count, int columns, double scale, double* to, int stride) {
    for (int i = 0; i < count; i++)
      for (int j = 0; j < stride; j++) to[(int64_t)i * stride + j] = j < columns ? p[(int64_t)i * columns + j] * scale : 0;
    p += (int64_t)count * columns;
  };
  for (int l = 0; l < e.layers; l++) {
    if (l)
      for (int64_t i = 0; i < (int64_t)e.width * e.width; i++) n.w[l][i] = 0;
    rows(l ? W : e.features, W, turns, n.w[l], e.width);
    rows(1, W, turns, n.base + l * e.width, e.width);
  }
  for (int64_t i = 0; i < (int64_t)e.width * e.out_columns; i++) n.wo[i] = 0;
  rows(W, O, 1, n.wo, e.out_columns);
  rows(1, O, 1, n.base + e.layers * e.width, e.out_columns);
  for (int c = 0; c < e.channels; c++) {
    for (int l = 0; l < e.layers; l++) rows(1, W, turns, n.m + (int64_t)c * e.row + l * e.width, e.width);
    rows(1, O, 1, n.m + (int64_t)c * e.row + e.layers * e.width, e.out_columns);
  }
}

// The scratch of one thread.
struct Derivation {
  int32_t* cell;    // [TILE, corners]: first number of the cell in a modulation
  double* weight;   // [rows, TILE, corners]: of the cell in the value, and its derivative along each axis
  double *features, *first;  // [rows * TILE, features]; their product with the first layer, on top of its biases
  double *u, *h, *z, *out;   // [rows * TILE, channels / width / width / out_columns]
};

FUNCTA_INLINE Derivation derivation_views(const Dims64& e, Arena& arena) {
  Derivation v{};
  const int64_t all = (int64_t)e.rows * TILE;
  v.cell = (int32_t*)arena.take((int64_t)TILE * e.corners);
  v.weight = take64(arena, all * e.corners);
  v.features = take64(arena, all * e.features);
  v.first = take64(arena, all * e.width);
  v.u = take64(arena, all * e.channels);
  v.h = take64(arena, all * e.width);
  v.z = take64(arena, all * e.width);
  v.out = take64(arena, all * e.out_columns);
  return v;
}

FUNCTA_INLINE int derive_points(const Job* job) { return job->evaluate_points < TILE ? (int)job->evaluate_points : TILE; }
FUNCTA_INLINE int derive_tiles(const Job* job) { return (int)((job->evaluate_points + TILE - 1) / TILE); }
FUNCTA_INLINE int derive_run(const Job* job) { return (LIST_WORK + derive_points(job) - 1) / derive_points(job); }
static int derive_units(const Job* job) { return derive_tiles(job) * ((job->count + derive_run(job) - 1) / derive_run(job)); }

// Along one axis, at x: the cells of a level around it, their weights, and these weights' derivatives by x; see coordinates.ts.
struct Taps64 {
  int cell[MAX_TAPS];
  double weight[2][MAX_TAPS];
};

static Taps64 taps64(const Spec& s, const Level& level, int axis, double x) {
  Taps64 t{};
  t.weight[0][0] = 1;
  if (level.global) return t;
  const bool circle = is_circle(s, axis);
  if (circle) x -= floor_(x / s.shape[axis]) * s.shape[axis];
  const double size = level.cell[axis], p = x / size - (level.taps > 1 ? 0.5 : 0), knot = floor_(p), n = level.cells[axis];
  for (int i = 0; i < level.taps; i++) {
    double cell = knot + i - (level.taps - 1) / 2;
    if (circle) cell -= floor_(cell / n) * n;
    t.cell[i] = (int)(cell > n - 1 ? n - 1 : cell > 0 ? cell : 0);
  }
  const double f = p - knot, g = 1 - f;
  if (level.taps == 2) {
    t.weight[0][0] = g;
    t.weight[0][1] = f;
    t.weight[1][0] = -1 / size;
    t.weight[1][1] = 1 / size;
  }
  if (level.taps == 4) {
    auto outer = [](double d) { return -0.75 * d * (1 - d) * (1 - d); };
    auto inner = [](double d) { return (1.25 * d - 2.25) * d * d + 1; };
    auto outer_slope = [](double d) { return -0.75 * (1 - d) * (1 - 3 * d); };
    auto inner_slope = [](double d) { return (3.75 * d - 4.5) * d; };
    const double weight[] = {outer(f), inner(f), inner(g), outer(g)}, slope[] = {outer_slope(f), inner_slope(f), -inner_slope(g), -outer_slope(g)};
    for (int i = 0; i < 4; i++) {
      t.weight[0][i] = weight[i];
      t.weight[1][i] = slope[i] / size;
    }
  }
  return t;
}

// The features of one axis at x, in their places of a row of values, and their derivatives in those of a row of that axis.
static void features64(const Spec& s, int axis, double x, double* value, double* slope) {
  const double period = s.period[axis], t = x / period, r = t - floor_(t);
  if (s.use_global) {
    value[axis] = 2 * x / s.shape[axis] - 1;
    slope[axis] = 2. / s.shape[axis];
  }
  int at = s.use_global * s.axes + axis;
  if (s.use_local) {
    value[at] = 2 * r - 1;
    slope[at] = 2 / period;
  }
  at = (s.use_global + s.use_local) * s.axes + 2 * axis;
  for (int j = 1; j <= s.harmonics; j++, at += 2 * s.axes) {
    const double wave = period / j, rate = 4 * HALF_PI64 * j / period;
    vd sine, cosine;
    sincos_quarters(splat(4 * j * r), sine, cosine);
    // 0 where samples cannot tell the harmonic from a lower one; see coordinates.ts.
    if (wave >= 2) {
      value[at] = sine[0];
      slope[at] = rate * cosine[0];
    }
    if (wave > 2) {
      value[at + 1] = cosine[0];
      slope[at + 1] = -rate * sine[0];
    }
  }
}

// What point t of a tile reads, with what weights, and its rows of features.
static void derive_point(const Job* job, const Dims& d, const Dims64& e, const Derivation& v, int t, int points, const double* x) {
  const Spec& s = job->spec;
  double* rows[1 + MAX_AXES];
  for (int r = 0; r < e.rows; r++) {
    rows[r] = v.features + ((int64_t)r * points + t) * e.features;
    for (int i = 0; i < e.features; i++) rows[r][i] = 0;
  }
  for (int a = 0; a < e.axes; a++) features64(s, a, x[a], rows[0], rows[1 + a]);
  int at = 0;
  for (int k = 0; k < d.level_count; k++) {
    const Level& level = s.level[k];
    Taps64 taps[MAX_AXES];
    for (int a = 0; a < e.axes; a++) taps[a] = taps64(s, level, a, x[a]);
    for (int corner = 0; corner < d.grid[k].corners; corner++, at++) {
      int64_t cell = 0;
      for (int a = 0; a < e.axes; a++) cell = cell * level.cells[a] + taps[a].cell[tap_at(corner, level.taps, e.axes, a)];
      v.cell[t * e.corners + at] = (int32_t)(d.grid[k].offset + cell * d.grid[k].channels);
      for (int r = 0; r < e.rows; r++) {
        double product = 1;
        for (int a = 0; a < e.axes; a++) product *= taps[a].weight[r == 1 + a][tap_at(corner, level.taps, e.axes, a)];
        v.weight[((int64_t)r * TILE + t) * e.corners + at] = product;
      }
    }
  }
}

// The channels interpolated at the points of a tile, and their derivatives.
static void derive_channels(const Dims& d, const Dims64& e, const Derivation& v, int points, const float* phi) {
  for (int r = 0; r < e.rows; r++)
    for (int t = 0; t < points; t++) {
      double* u = v.u + ((int64_t)r * points + t) * e.channels;
      const double* weight = v.weight + ((int64_t)r * TILE + t) * e.corners;
      const int32_t* cell = v.cell + t * e.corners;
      for (int k = 0; k < d.level_count; u += d.grid[k].channels, k++) {
        const int channels = d.grid[k].channels;
        for (int c = 0; c < channels; c++) u[c] = 0;
        for (int corner = 0; corner < d.grid[k].corners; corner++, weight++, cell++)
          for (int c = 0; c < channels; c++) u[c] += *weight * phi[*cell + c];
      }
    }
}

// z = what `base` says of values, and 0 of derivatives.
FUNCTA_INLINE void begin_rows(const Dims64& e, int points, const double* base, int columns, double* z) {
  for (int row = 0; row < e.rows * points; row++)
    for (int j = 0; j < columns; j += VD) store(z + (int64_t)row * columns + j, row < points ? load(base + j) : vd{});
}

// h = the sines of z, and in the rows of derivatives z times the cosines of the row of values.
static void derive_sines(const Dims64& e, int points, const double* z, double* h) {
  for (int t = 0; t < points; t++)
    for (int j = 0; j < e.width; j += VD) {
      vd sine, cosine;
      sincos_quarters(load(z + (int64_t)t * e.width + j), sine, cosine);
      store(h + (int64_t)t * e.width + j, sine);
      cosine = cosine * HALF_PI64;
      for (int r = 1; r < e.rows; r++) {
        const int64_t at = ((int64_t)r * points + t) * e.width + j;
        store(h + at, cosine * load(z + at));
      }
    }
}

static void derive_signal(const Job* job, const Dims& d, const Dims64& e, const Net64& n, const Derivation& v, int points, int signal, long start) {
  const int rows = e.rows * points, W = e.width, C = e.channels, OC = e.out_columns;
  derive_channels(d, e, v, points, job->start + (int64_t)signal * job->modulation);
  for (int64_t i = 0; i < (int64_t)rows * W; i += VD) store(v.z + i, load(v.first + i));
  for (int l = 0; l < e.layers; l++) {
    if (l) {
      begin_rows(e, points, n.base + l * W, W, v.z);
      gemm<true>(rows, W, W, v.h, W, 1, n.w[l], W, v.z, W);
    }
    gemm<true>(rows, W, C, v.u, C, 1, n.m + l * W, e.row, v.z, W);
    derive_sines(e, points, v.z, v.h);
  }
  begin_rows(e, points, n.base + e.layers * W, OC, v.out);
  gemm<true>(rows, OC, W, v.h, W, 1, n.wo, OC, v.out, OC);
  gemm<true>(rows, OC, C, v.u, C, 1, n.m + e.layers * W, e.row, v.out, OC);
  for (int t = 0; t < points; t++) {
    const int64_t at = ((int64_t)signal * job->evaluate_points + start + t) * e.outputs;
    for (int o = 0; o < e.outputs; o++) {
      job->values64[at + o] = v.out[t * OC + o];
      for (int a = 0; a < e.axes; a++) job->slopes64[(at + o) * e.axes + a] = v.out[((int64_t)(1 + a) * points + t) * OC + o];
    }
  }
}

static void derive_unit(const Job* job, const Dims& d, const Dims64& e, const Net64& n, const Derivation& v, int unit) {
  const int tiles = derive_tiles(job), run = derive_run(job), first = unit / tiles * run;
  const long start = (long)(unit % tiles) * TILE, left = job->evaluate_points - start;
  const int points = left < TILE ? (int)left : TILE;
  for (int t = 0; t < points; t++) derive_point(job, d, e, v, t, points, job->positions + (start + t) * d.axes);
  begin_rows(e, points, n.base, e.width, v.first);
  gemm<true>(e.rows * points, e.width, e.features, v.features, e.features, 1, n.w[0], e.width, v.first, e.width);
  for (int signal = first; signal < first + run && signal < job->count; signal++) {
    if (is_cancelled(job)) return;
    derive_signal(job, d, e, n, v, points, signal, start);
  }
}

}  // namespace functa
