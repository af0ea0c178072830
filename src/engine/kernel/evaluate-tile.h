// The network at the points of a tile, wherever their shifts come from. The arithmetic of a point is the same whatever it came
// with and however it was asked for:
//   features of the axes but the last, summed from zero, on top of the base row; then those of the last axis, summed from zero
//   for each level, the rows of shifts around the point along the last axis, each a sum over the corners along the other axes
#pragma once
#include "rows.h"
#include "tile.h"

namespace functa {

inline bool evaluates(const Job* job) { return job->values != nullptr; }
inline bool wants_slopes(const Job* job) { return job->slopes != nullptr; }

// What evaluates a tile, in the scratch of one thread.
struct Outcome {
  float *h[2], *out, *sums;
  float *cosines[MAX_LAYERS], *slopes;  // where slopes are asked for; [SLOPE_OUTPUTS, TILE, channels padded]
};

// Outputs whose slopes are written together: an array of slopes has them next to each other.
constexpr int SLOPE_OUTPUTS = 4;

// Columns of the map of slopes: the channels of all levels, padded.
FUNCTA_INLINE int slope_columns(const Dims& d) { return round_up(d.channels, VL); }

FUNCTA_INLINE Outcome outcome_views(const Job* job, const Dims& d, Arena& arena) {
  Outcome o{};
  for (float*& h : o.h) h = arena.take((long)TILE * d.width);
  o.out = arena.take((long)TILE * d.out_columns);
  o.sums = arena.take((long)d.outputs * TILE);
  if (!wants_slopes(job)) return o;
  for (int l = 0; l < d.layers; l++) o.cosines[l] = arena.take((long)TILE * d.width);
  o.slopes = arena.take((long)SLOPE_OUTPUTS * TILE * slope_columns(d));
  return o;
}

// z += the first layer's product with the features of one coordinate of one axis.
FUNCTA_INLINE void add_features(const Spec& s, const Dims& d, const Net& n, int axis, const float* entry, float* z) {
  const int plain = s.use_global + s.use_local;
  for (int f = 0; f < plain + 2 * s.harmonics; f++) {
    const int row = f < plain ? f * d.axes + axis : plain * d.axes + ((f - plain) / 2 * d.axes + axis) * 2 + (f - plain) % 2;
    const float* w = n.w[0] + (long)row * d.width;
    for (int j = 0; j < d.width; j += VL) store(z + j, fma(splat(entry[f]), load(w + j), load(z + j)));
  }
}

// Turns pre-activations into their sines; the cosines are for the way back.
FUNCTA_INLINE void take_sines(float* z, float* cosines, int n) {
  for (int i = 0; i < n; i += VL) {
    vf sine, cosine;
    sincos_quarters(load(z + i), sine, cosine);
    store(z + i, sine);
    store(cosines + i, cosine);
  }
}

// df/du [points, channels padded] of one output of a tile whose cosines are known: the backward pass of tile.h, mapped by M^T at every point.
static void output_slopes(const Job* job, const Dims& d, const Net& n, const Outcome& o, int points, int output, float* slopes) {
  const int W = d.width, C = slope_columns(d), last = d.layers - 1;
  float *q = o.h[0], *next = o.h[1];
  for (int t = 0; t < points; t++)
    for (int j = 0; j < W; j += VL) store(q + t * W + j, load(n.wo + output * W + j) * load(o.cosines[last] + t * W + j) * d.w0);
  gemm<false>(points, C, W, q, W, 1, job->slope_map + (long)last * W * C, C, slopes, C);
  for (int l = last; l > 0; l--) {
    gemm<false>(points, W, W, q, W, 1, n.wt[l], W, next, W);
    for (int i = 0; i < points * W; i += VL) store(next + i, load(next + i) * load(o.cosines[l - 1] + i) * d.w0);
    gemm<true>(points, C, W, next, W, 1, job->slope_map + (long)(l - 1) * W * C, C, slopes, C);
    float* swap = q;
    q = next;
    next = swap;
  }
}

// df/du of a tile, to where they are wanted: channel by channel, so that what is written is written once, in runs.
static void tile_slopes(const Job* job, const Dims& d, const Net& n, const Outcome& o, int points, int valid, const long* at) {
  const int C = slope_columns(d);
  const long signal = at[0] / job->evaluate_points, size = job->evaluate_points * d.outputs;
  for (int first = 0; first < d.outputs; first += SLOPE_OUTPUTS) {
    const int count = d.outputs - first < SLOPE_OUTPUTS ? d.outputs - first : SLOPE_OUTPUTS;
    for (int i = 0; i < count; i++) output_slopes(job, d, n, o, points, first + i, o.slopes + (long)i * TILE * C);
    for (int c = 0; c < d.channels; c++) {
      float* to = job->slopes + (signal * d.channels + c) * size - signal * size + first;
      float direct[SLOPE_OUTPUTS];
      for (int i = 0; i < count; i++) direct[i] = job->slope_map[((long)d.layers * d.width + first + i) * C + c];
      for (int t = 0; t < valid; t++) {
        float* own = to + at[t] * d.outputs;
        for (int i = 0; i < count; i++) own[i] = o.slopes[((long)i * TILE + t) * C + c] + direct[i];
      }
    }
  }
}

// What the last layer adds to the shifts of a tile's outputs, to the caller's array. OUTPUTS 0: any number.
template <int OUTPUTS>
FUNCTA_INLINE void write_values(const Dims& d, const Outcome& o, int valid, const long* at, float* values) {
  const int outputs = OUTPUTS ? OUTPUTS : d.outputs, OC = d.out_columns;
  for (int t = 0; t < valid; t++) {
    float* to = values + at[t] * outputs;
    for (int i = 0; i < outputs; i++) to[i] = o.out[t * OC + i] + o.sums[i * TILE + t];
  }
}

// `source` says what a product is added to, the shifts of the tile's points from `column` on in a row of shifts:
//   gather<FIRST, SINE>(points, column, columns, z) writes them; in the first layer (column 0) with the features, or the sine of that
//   begin(points, column, columns, z) gives what rows.h starts a product's sums from
// `valid` points of one signal count; their values and slopes go to where `at[t]` says.
template <class Source>
static void evaluate_tile(const Job* job, const Dims& d, const Net& n, const Outcome& o, const Source& source, int valid, const long* at) {
  const int W = d.width, points = round_up(valid, VL);
  float *h = o.h[0], *next = o.h[1];
  if (wants_slopes(job)) {
    source.template gather<true, false>(points, 0, W, h);
    take_sines(h, o.cosines[0], points * W);
  } else {
    source.template gather<true, true>(points, 0, W, h);
  }
  bool summed = false;
  for (int l = 1; l < d.layers; l++) {
    if (wants_slopes(job)) {
      source.template gather<false, false>(points, l * W, W, next);
      gemm<true>(points, W, W, h, W, 1, n.w[l], W, next, W);
      take_sines(next, o.cosines[l], points * W);
    } else if (l == d.layers - 1 && W == WHOLE_ROW && d.outputs <= FUSED_OUTPUTS) {
      last_products(source.begin(points, l * W, W, next), points, l * W, h, n.w[l], n.wo, d.outputs, o.sums);
      summed = true;
    } else {
      products(source.begin(points, l * W, W, next), points, l * W, W, h, n.w[l], next);
    }
    float* swap = h;
    h = next;
    next = swap;
  }
  source.template gather<false, false>(points, d.layers * W, d.out_columns, o.out);
  if (!summed) output_sums(points, W, d.outputs, h, n.wo, o.sums);
  switch (d.outputs) {
    case 1: write_values<1>(d, o, valid, at, job->values); break;
    case 3: write_values<3>(d, o, valid, at, job->values); break;
    default: write_values<0>(d, o, valid, at, job->values);
  }
  if (wants_slopes(job)) tile_slopes(job, d, n, o, points, valid, at);
}

}  // namespace functa
