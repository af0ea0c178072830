// Sizes of a field with every row padded to whole vectors, and views into flat memory. Padding holds zeros and stays
// zero: sin 0 = 0, so padded features neither contribute nor receive.
#pragma once
#include "field.h"
#include "vec.h"

namespace functa {

constexpr int TILE = 32;           // points a tile; its activations stay in L1 and L2
constexpr int MAX_LEADING = MAX_TAPS * MAX_TAPS;  // corners of a point along the axes but the last
constexpr float QUARTER = 0.63661977236758134f;  // 2 / pi
constexpr float HALF_PI = 1.57079632679489662f;

struct Dims {
  int axes, layers, width, outputs, out_columns, row;  // row: layers * width shifts, then out_columns
  int features, feature_row, level_count, channels, rate_rows;  // channels: of all levels
  float w0;
  struct Grid {
    int channels, channel_row, cells, global, offset;  // offset of the level in a modulation
    int leading, corners;                              // taps^(axes - 1), taps^axes
  } grid[MAX_LEVELS];
};

FUNCTA_INLINE Dims dims_of(const Spec& s) {
  Dims d{};
  d.axes = s.axes;
  d.layers = s.layers;
  d.width = round_up(s.width, VL);
  d.outputs = s.outputs;
  d.out_columns = round_up(s.outputs, VL);
  d.row = d.layers * d.width + d.out_columns;
  d.features = s.axes * (s.use_global + s.use_local + 2 * s.harmonics);
  d.feature_row = round_up(d.features, 4);
  d.level_count = s.level_count;
  d.rate_rows = s.rate_rows;
  d.w0 = (float)s.w0;
  int offset = 0;
  for (int k = 0; k < s.level_count; k++) {
    const Level& level = s.level[k];
    int cells = 1, corners = 1;
    for (int a = 0; a < s.axes; a++) {
      cells *= level.cells[a];
      corners *= level.taps;
    }
    d.grid[k] = {level.channels, round_up(level.channels, VL), cells, level.global, offset, corners / level.taps, corners};
    offset += cells * level.channels;
    d.channels += level.channels;
  }
  return d;
}

// Hands out pieces of a block, each on a cache line; with a null base it only counts.
struct Arena {
  float* base;
  int64_t used = 0;  // on 64 bits everywhere: a job that is too large for memory has a size that says so
  float* take(int64_t n) {
    float* piece = base ? base + used : nullptr;
    used += (n + 15) / 16 * 16;
    return piece;
  }
};

// The shared weights as the passes read them. Forward copies are scaled by w0 * 2 / pi, so that a layer's pre-activation
// comes in quarter turns; backward copies are transposed and not scaled.
struct Net {
  float *base;               // [row] biases, scaled, and output biases
  float *w[MAX_LAYERS];      // [rows, width] scaled
  float *wt[MAX_LAYERS];     // [width, width] transposed (layers past the first)
  float *wo;                 // [outputs, width]
  float *m[MAX_LEVELS];      // [channels, row]: shifts scaled, outputs not
  float *mt[MAX_LEVELS];     // [row, channel_row]
};

FUNCTA_INLINE Net net_views(const Dims& d, Arena& arena) {
  Net n{};
  n.base = arena.take(d.row);
  for (int l = 0; l < d.layers; l++) {
    n.w[l] = arena.take((long)(l ? d.width : d.feature_row) * d.width);
    if (l) n.wt[l] = arena.take((long)d.width * d.width);
  }
  n.wo = arena.take((long)d.outputs * d.width);
  for (int k = 0; k < d.level_count; k++) {
    n.m[k] = arena.take((long)d.grid[k].channels * d.row);
    n.mt[k] = arena.take((long)d.row * d.grid[k].channel_row);
  }
  return n;
}

// Sums of weight gradients of one lane, in the padded layout.
struct Sums {
  float *b, *w[MAX_LAYERS], *wo, *m[MAX_LEVELS], *rates;
};

FUNCTA_INLINE Sums sums_views(const Dims& d, Arena& arena) {
  Sums g{};
  g.b = arena.take(d.row);
  for (int l = 0; l < d.layers; l++) g.w[l] = arena.take((long)(l ? d.width : d.feature_row) * d.width);
  g.wo = arena.take((long)d.outputs * d.width);
  for (int k = 0; k < d.level_count; k++) g.m[k] = arena.take((long)d.grid[k].channels * d.row);
  g.rates = arena.take((int64_t)d.rate_rows * d.channels);
  return g;
}

// A modulation mapped by M, ready to be interpolated: one row of shifts for the whole signal, one for each cell.
struct Shifts {
  float* base;               // [row]
  float* cell[MAX_LEVELS];   // [cells, row]; null for global levels
};

FUNCTA_INLINE Shifts shifts_views(const Dims& d, Arena& arena) {
  Shifts s{};
  s.base = arena.take(d.row);
  for (int k = 0; k < d.level_count; k++)
    if (!d.grid[k].global) s.cell[k] = arena.take((int64_t)d.grid[k].cells * d.row);
  return s;
}

FUNCTA_INLINE void zero(float* p, long n) {
  for (long i = 0; i < n; i++) p[i] = 0;
}

FUNCTA_INLINE void zero_shifts(const Dims& d, const Shifts& s) {
  zero(s.base, d.row);
  for (int k = 0; k < d.level_count; k++)
    if (s.cell[k]) zero(s.cell[k], (long)d.grid[k].cells * d.row);
}

// Activations of one tile. h, d and e hold 2 * TILE rows: values, then tangents (h) or tangents, then values (d, e).
struct Activations {
  float *h[MAX_LAYERS], *c[MAX_LAYERS], *rz[MAX_LAYERS], *d, *e, *out, *err;
};

FUNCTA_INLINE Activations activations_views(const Dims& d, Arena& arena) {
  Activations a{};
  for (int l = 0; l < d.layers; l++) {
    a.h[l] = arena.take(2L * TILE * d.width);
    a.c[l] = arena.take((long)TILE * d.width);
    a.rz[l] = arena.take((long)TILE * d.width);
  }
  a.d = arena.take(2L * TILE * d.width);
  a.e = arena.take(2L * TILE * d.width);
  a.out = arena.take(2L * TILE * d.out_columns);
  a.err = arena.take(2L * TILE * d.out_columns);
  return a;
}

}  // namespace functa
