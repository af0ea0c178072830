// The network at the points of a tile, wherever their shifts come from. The arithmetic of a point is the same whatever it came
// with and however it was asked for:
//   features of the axes but the last, summed from zero, on top of the base row; then those of the last axis, summed from zero
//   for each level, the rows of shifts around the point along the last axis, each a sum over the corners along the other axes
#pragma once
#include "tile.h"

namespace functa {

// What evaluates a tile, in the scratch of one thread.
struct Outcome {
  float *h[2], *out, *sums;
};

FUNCTA_INLINE Outcome outcome_views(const Dims& d, Arena& arena) {
  Outcome o{};
  for (float*& h : o.h) h = arena.take((long)TILE * d.width);
  o.out = arena.take((long)TILE * d.out_columns);
  o.sums = arena.take((long)d.outputs * TILE);
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

// `source.gather<FIRST>(points, column, columns, z)` writes the shifts of the tile's points, from `column` on in a row of
// shifts: in the first layer (column 0) the sine of them with the features, for the other layers what their product is added
// to. `valid` points count; their values go to `values` at `at[t]`.
template <class Source>
static void evaluate_tile(const Dims& d, const Net& n, const Outcome& o, const Source& source, int valid, const long* at, float* values) {
  const int W = d.width, OC = d.out_columns, points = round_up(valid, VL);
  float *h = o.h[0], *next = o.h[1];
  source.template gather<true>(points, 0, W, h);
  for (int l = 1; l < d.layers; l++) {
    source.template gather<false>(points, l * W, W, next);
    gemm<true, Sine>(points, W, W, h, W, 1, n.w[l], W, next, W);
    float* swap = h;
    h = next;
    next = swap;
  }
  source.template gather<false>(points, d.layers * W, OC, o.out);
  for (int channel = 0; channel < d.outputs; channel++)
    for (int t = 0; t < points; t += VL) {
      vf sum[VL] = {};
      for (int j = 0; j < W; j += VL) {
        const vf w = load(n.wo + channel * W + j);
        for (int i = 0; i < VL; i++) sum[i] = fma(load(h + (t + i) * W + j), w, sum[i]);
      }
      store(o.sums + channel * TILE + t, lanes_sums(sum));
    }
  for (int t = 0; t < valid; t++)
    for (int channel = 0; channel < d.outputs; channel++)
      values[at[t] * d.outputs + channel] = o.out[t * OC + channel] + o.sums[channel * TILE + t];
}

}  // namespace functa
