// Products of the hidden layers with the rows of a tile of points, for evaluation: sums start from the shifts of their points in registers, and
// of a layer that is as wide as the registers that hold its sums the outputs are made from those. A row's sums have the order of gemm.h.
#pragma once
#include "gemm.h"
#include "layout.h"

namespace functa {

// Rows of points and vectors of columns whose sums are in registers together: as gemm.h has them, or whole rows of some points.
constexpr int ROWS = 4, ROW_VECTORS = 4;
// The width of a layer whose rows are in registers whole, where there are enough, and most outputs that are made from them there.
constexpr int WHOLE_ROW = VL == 16 ? ROW_VECTORS * VL : 0, FUSED_OUTPUTS = 4;

// Sums that start from a tile's rows in memory.
struct Gathered {
  const float* z;
  int column, columns;
  template <int R, int V>
  inline __attribute__((always_inline)) void start(int t, int from, vf (*sum)[V]) const {
    for (int r = 0; r < R; r++)
      for (int v = 0; v < V; v++) sum[r][v] = load(z + (t + r) * columns + from - column + v * VL);
  }
};

// sum[r][v] += h[r, :] w[:, v], for `width` inputs
template <int R, int V>
FUNCTA_INLINE void add_products(int width, const float* h, const float* w, vf (*sum)[V]) {
  for (int k = 0; k < width; k++) {
    vf row[V];
    for (int v = 0; v < V; v++) row[v] = load(w + k * width + v * VL);
    for (int r = 0; r < R; r++) {
      const vf value = splat(h[r * width + k]);
      for (int v = 0; v < V; v++) sum[r][v] = fma(value, row[v], sum[r][v]);
    }
  }
}

template <int R, int V, class Start>
FUNCTA_INLINE void products_columns(const Start& begin, int points, int column, int width, const float* h, const float* w, float* out) {
  for (int t = 0; t < points; t += R) {
    vf sum[R][V];
    begin.template start<R, V>(t, column, sum);
    add_products<R, V>(width, h + t * width, w, sum);
    for (int r = 0; r < R; r++)
      for (int v = 0; v < V; v++) store(out + (t + r) * width + v * VL, sine_quarters(sum[r][v]));
  }
}

// out[t, :] = sine(shifts + h[t, :] w): `points` is a multiple of VL.
template <class Start>
static __attribute__((noinline)) void products(const Start& begin, int points, int column, int width, const float* h, const float* w, float* out) {
  if (width == WHOLE_ROW) return products_columns<ROWS, ROW_VECTORS>(begin, points, column, width, h, w, out);
  constexpr int R = GEMM_ROWS, V = GEMM_VECTORS;
  int j = 0;
  for (; j + V * VL <= width; j += V * VL) products_columns<R, V>(begin, points, column + j, width, h, w + j, out + j);
  for (; j < width; j += VL) products_columns<R, 1>(begin, points, column + j, width, h, w + j, out + j);
}

// The same for the last layer, whose sines are not kept: their products with the outputs' weights, [outputs, TILE].
template <class Start>
static __attribute__((noinline)) void last_products(const Start& begin, int points, int column, const float* h, const float* w, const float* wo, int outputs, float* sums) {
  constexpr int V = ROW_VECTORS, GROUPS = VL / ROWS, W = V * VL;
  for (int t = 0; t < points; t += VL) {
    vf quarters[FUSED_OUTPUTS][GROUPS];
    for (int group = 0; group < GROUPS; group++) {
      const int first = t + group * ROWS;
      vf sum[ROWS][V];
      begin.template start<ROWS, V>(first, column, sum);
      add_products<ROWS, V>(W, h + first * W, w, sum);
      for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < V; v++) sum[r][v] = sine_quarters(sum[r][v]);
      for (int o = 0; o < outputs; o++) {
        vf own[ROWS] = {};
        for (int v = 0; v < V; v++) {
          const vf own_weight = load(wo + o * W + v * VL);
          for (int r = 0; r < ROWS; r++) own[r] = fma(sum[r][v], own_weight, own[r]);
        }
        fold_lanes<ROWS>(own);
        quarters[o][group] = own[0];
      }
    }
    for (int o = 0; o < outputs; o++) {
      fold_lanes<GROUPS>(quarters[o]);
      store(sums + o * TILE + t, quarters[o][0]);
    }
  }
}

// Products of the last layer's sines [points, width] with the outputs' weights: [outputs, TILE].
FUNCTA_INLINE void output_sums(int points, int width, int outputs, const float* h, const float* wo, float* sums) {
  for (int o = 0; o < outputs; o++)
    for (int t = 0; t < points; t += VL) {
      vf sum[VL] = {};
      for (int j = 0; j < width; j += VL) {
        const vf w = load(wo + o * width + j);
        for (int i = 0; i < VL; i++) sum[i] = fma(load(h + (t + i) * width + j), w, sum[i]);
      }
      store(sums + o * TILE + t, lanes_sums(sum));
    }
}

}  // namespace functa
