// The passes over one tile of points.
//
// Write L(theta, phi) for the inner loss of a signal, with shared weights theta and modulation phi. The inner loop is
//   phi_{k+1} = phi_k - r o g_k,      g_k = dL/dphi (theta, phi_k),      k = 0..K-1                              (1)
// with one rate r per channel, and the outer loss is J(theta) = F(theta, phi_K). Its exact gradient needs the second
// derivatives of L, but only their products with one vector. Let v_K = dF/dphi_K and go back over the steps:
//   u_k      = -r o v_{k+1}
//   dJ/dtheta += d/de [ dL/dtheta (theta, phi_k + e u_k) ] at e = 0                                              (2)
//   v_k      = v_{k+1} + d/de [ dL/dphi (theta, phi_k + e u_k) ] at e = 0                                        (3)
//   dJ/dr    += -(v_{k+1} o g_k), summed over the cells of a channel
// d/de along a fixed direction is Pearlmutter's R-operator (Neural Computation 6, 1994): differentiate each line of the
// forward and the backward pass in the direction u. With R{theta} = 0, and s, c the sine and cosine of w0 z_l:
//   forward    z_l = W_l h_{l-1} + b_l + M_l u(x)           R z_l = W_l R h_{l-1} + M_l R u(x)
//              h_l = s                                      R h_l = w0 c R z_l
//   output     e   = weight (f - y)                         R e   = weight R f
//   backward   d_l = W_{l+1}^T q_{l+1}                      R d_l = W_{l+1}^T R q_{l+1}          (d_L = W_o^T e)
//              q_l = w0 c d_l                               R q_l = w0 c R d_l - w0^2 s R z_l d_l
//   weights    dL/dW_l = q_l h_{l-1}^T                      R{dL/dW_l} = R q_l h_{l-1}^T + q_l (R h_{l-1})^T
// The weights are the same matrices in both columns, so a pass stacks the rows [h; R h] forwards and [R q; q] backwards
// and does three matrix products a layer; the last line is the single product [h; R h]^T [R q; q].
// The modulation enters through interpolation, which is linear: the grids are mapped by M once (a row of shifts for each
// cell) and the result is interpolated; backwards, q is scattered to the cells first and mapped by M^T once.
//
// Pre-activations are held in quarter turns, z' = z w0 2 / pi, so R h = (pi / 2) c R z' and w0^2 s R z = w0 (pi / 2) s R z'.
#pragma once
#include "geometry.h"
#include "gemm.h"

namespace functa {

enum Pass { PASS_BACKWARD, PASS_WEIGHTS, PASS_TANGENT };

struct Tangent {
  Shifts shifts;    // R u, mapped
  Shifts adjoint;   // R q, scattered
};

// Adds the adjoint of a row to a base row: row[j] += sum over t of x[t, j].
FUNCTA_INLINE void add_rows(const float* x, int columns, float* row) {
  for (int j = 0; j < columns; j += VL) {
    vf sum = load(row + j);
    for (int t = 0; t < TILE; t++) sum += load(x + t * columns + j);
    store(row + j, sum);
  }
}

// Forward to `a.out` ([TILE, out_columns] field values; with tangents then TILE rows of them).
template <bool R>
FUNCTA_INLINE void tile_forward(const Dims& d, const Net& n, const Geometry& g, const Shifts& values, const Shifts* tangents, Activations& a) {
  const int W = d.width, size = TILE * W, rows = R ? 2 * TILE : TILE;
  for (int l = 0; l < d.layers; l++) {
    float *h = a.h[l], *rh = h + size, *c = a.c[l], *rz = a.rz[l];
    gather(d, g, values, l * W, W, h, W);
    if (R) gather(d, g, *tangents, l * W, W, rh, W);
    if (l == 0) gemm<true>(TILE, W, d.features, g.features, d.feature_row, 1, n.w[0], W, h, W);
    else gemm<true>(rows, W, W, a.h[l - 1], W, 1, n.w[l], W, h, W);
    for (int i = 0; i < size; i += VL) {
      vf sine, cosine;
      sincos_quarters(load(h + i), sine, cosine);
      store(h + i, sine);
      store(c + i, cosine);
      if (R) {
        vf tangent_z = load(rh + i) * HALF_PI;
        store(rz + i, tangent_z);
        store(rh + i, cosine * tangent_z);
      }
    }
  }
  const int column = d.layers * W;
  gather(d, g, values, column, d.out_columns, a.out, d.out_columns);
  if (R) gather(d, g, *tangents, column, d.out_columns, a.out + TILE * d.out_columns, d.out_columns);
  const float* last = a.h[d.layers - 1];
  for (int o = 0; o < d.outputs; o++) {
    const float* wo = n.wo + o * W;
    for (int t = 0; t < rows; t += 4) {
      vf sum[4] = {};
      for (int j = 0; j < W; j += VL) {
        vf w = load(wo + j);
        for (int i = 0; i < 4; i++) sum[i] = fma(load(last + (t + i) * W + j), w, sum[i]);
      }
      for (int i = 0; i < 4; i++) a.out[(t + i) * d.out_columns + o] += lanes_sum(sum[i]);
    }
  }
}

// One tile: returns the loss of its points. `target` [valid, outputs]; `weight` [valid] or null; `scale` multiplies
// the loss whose gradient is taken.
template <Pass PASS>
static double tile_pass(const Dims& d, const Net& n, const Geometry& g, const Shifts& s, Activations& a, const float* target, const float* weight,
                        int valid, float scale, const Shifts& adjoint, const Tangent* tangent, Sums* sums) {
  constexpr bool R = PASS == PASS_TANGENT, WEIGHTS = PASS == PASS_WEIGHTS || R;
  const int W = d.width, size = TILE * W, rows = R ? 2 * TILE : TILE, OC = d.out_columns;
  tile_forward<R>(d, n, g, s, R ? &tangent->shifts : nullptr, a);

  // Output errors, stacked like all that follows: [R e; e] or [e].
  double loss = 0;
  float *error = R ? a.err + TILE * OC : a.err, *error_tangent = a.err;
  zero(a.err, 2L * TILE * OC);
  for (int t = 0; t < valid; t++) {
    const float w = (weight ? weight[t] : 1.f);
    if (w == 0) continue;
    for (int o = 0; o < d.outputs; o++) {
      const float difference = a.out[t * OC + o] - target[t * d.outputs + o];
      loss += 0.5 * (double)w * difference * difference;
      error[t * OC + o] = w * scale * difference;
      if (R) error_tangent[t * OC + o] = w * scale * a.out[(TILE + t) * OC + o];
    }
  }
  const int column = d.layers * W;
  add_rows(error, OC, adjoint.base + column);
  scatter(d, g, error, OC, column, OC, adjoint);
  if (R) {
    add_rows(error_tangent, OC, tangent->adjoint.base + column);
    scatter(d, g, error_tangent, OC, column, OC, tangent->adjoint);
  }
  if (WEIGHTS) gemm<true>(d.outputs, W, rows, a.err, 1, OC, a.h[d.layers - 1], W, sums->wo, W);
  gemm<false>(rows, W, d.outputs, a.err, OC, 1, n.wo, W, a.d, W);

  float *delta = a.d, *next = a.e;
  for (int l = d.layers - 1; l >= 0; l--) {
    const float *h = a.h[l], *c = a.c[l], *rz = a.rz[l];
    float* base = adjoint.base + l * W;
    for (int j = 0; j < W; j += VL) {
      vf sum = load(base + j), tangent_sum = R ? load(tangent->adjoint.base + l * W + j) : vf{};
      for (int t = 0; t < TILE; t++) {
        const int i = t * W + j;
        const vf cosine = load(c + i) * d.w0;
        if (R) {
          const vf dv = load(delta + size + i), rd = load(delta + i);
          const vf q = dv * cosine, rq = rd * cosine - dv * load(h + i) * load(rz + i) * d.w0;
          store(delta + size + i, q);
          store(delta + i, rq);
          sum += q;
          tangent_sum += rq;
        } else {
          const vf q = load(delta + i) * cosine;
          store(delta + i, q);
          sum += q;
        }
      }
      store(base + j, sum);
      if (R) store(tangent->adjoint.base + l * W + j, tangent_sum);
    }
    const float* q = R ? delta + size : delta;
    scatter(d, g, q, W, l * W, W, adjoint);
    if (R) scatter(d, g, delta, W, l * W, W, tangent->adjoint);
    if (l == 0) {
      // Features carry no tangent, so [h; R h]^T [R q; q] has its first half only.
      if (WEIGHTS) gemm<true>(d.features, W, TILE, g.features, 1, d.feature_row, delta, W, sums->w[0], W);
    } else {
      // Rows of h are [h; R h] and rows of delta [R q; q] (or [h] and [q]).
      if (WEIGHTS) gemm<true>(W, W, rows, a.h[l - 1], 1, W, delta, W, sums->w[l], W);
      gemm<false>(rows, W, W, delta, W, 1, n.wt[l], W, next, W);
      float* swap = delta;
      delta = next;
      next = swap;
    }
  }
  return loss;
}

}  // namespace functa
