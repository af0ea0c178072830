// SIMD in GCC/clang vector extensions: one source for AVX-512 (VL = 16 lanes), AVX2 (8), SSE, NEON and wasm simd128 (4).
// Multiply-adds are written a * b + c; -ffp-contract=fast makes them FMA where the target has it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifndef VL
#define VL 4
#endif
#define FUNCTA_INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef double vd __attribute__((vector_size(VL * 4)));
typedef int64_t vl __attribute__((vector_size(VL * 4)));
typedef float vf_unaligned __attribute__((vector_size(VL * 4), aligned(4), may_alias));
typedef double vd_unaligned __attribute__((vector_size(VL * 4), aligned(8), may_alias));
constexpr int VD = VL / 2;

FUNCTA_INLINE vf load(const float* p) { return *(const vf_unaligned*)p; }
FUNCTA_INLINE void store(float* p, vf v) { *(vf_unaligned*)p = v; }
FUNCTA_INLINE vf splat(float x) { return x - vf{}; }
FUNCTA_INLINE vf fma(vf a, vf b, vf c) { return a * b + c; }
FUNCTA_INLINE vd load(const double* p) { return *(const vd_unaligned*)p; }
FUNCTA_INLINE void store(double* p, vd v) { *(vd_unaligned*)p = v; }
FUNCTA_INLINE vd splat(double x) { return x - vd{}; }
FUNCTA_INLINE vd fma(vd a, vd b, vd c) { return a * b + c; }
// Sum of the lanes by halves: a fixed order.
FUNCTA_INLINE float lanes_sum(vf v) {
#if VL == 16
  v = v + __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  v = v + __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3);
  v = v + __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1);
#elif VL == 8
  v = v + __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  v = v + __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1);
#else
  v = v + __builtin_shufflevector(v, v, 2, 3, 0, 1);
#endif
  return v[0] + v[1];
}
// N vectors to one, by sums of lanes that are neighbours: halves of v[0] then stand for two of the vectors each, and so on down. v is used up.
template <int N>
FUNCTA_INLINE void fold_lanes(vf* v) {
#if VL == 16
#define FUNCTA_EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define FUNCTA_ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#elif VL == 8
#define FUNCTA_EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define FUNCTA_ODD 1, 3, 5, 7, 9, 11, 13, 15
#else
#define FUNCTA_EVEN 0, 2, 4, 6
#define FUNCTA_ODD 1, 3, 5, 7
#endif
  for (int n = N / 2; n > 0; n /= 2)
    for (int i = 0; i < n; i++)
      v[i] = __builtin_shufflevector(v[2 * i], v[2 * i + 1], FUNCTA_EVEN) + __builtin_shufflevector(v[2 * i], v[2 * i + 1], FUNCTA_ODD);
}
// Lane i of the result is the sum of the lanes of v[i], for VL vectors, each by the same tree; v is used up.
FUNCTA_INLINE vf lanes_sums(vf* v) {
  fold_lanes<VL>(v);
  return v[0];
}

constexpr int round_up(int n, int to) { return (n + to - 1) / to * to; }

// sin and cos of x quarter turns (x * pi / 2). Reduction to [-1/2, 1/2] is exact in these units, so the error is that
// of the two minimax polynomials, below 1e-7. |x| < 2^22.
FUNCTA_INLINE void sincos_quarters(vf x, vf& sine, vf& cosine) {
  const float magic = 12582912.f;  // 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low bits
  vf shifted = x + magic;
  vi quadrant = (vi)shifted;
  vf r = x - (shifted - magic);
  vf r2 = r * r;
  vf ps = fma(fma(fma(splat(-4.5922890747e-03f), r2, splat(7.9675902970e-02f)), r2, splat(-6.4596293817e-01f)), r2, splat(1.5707963051e+00f)) * r;
  vf pc = fma(fma(fma(splat(-2.0408352538e-02f), r2, splat(2.5359864411e-01f)), r2, splat(-1.2336970142e+00f)), r2, splat(9.9999997242e-01f));
  vi odd = (quadrant & 1) != 0;
  vi sign_s = (quadrant & 2) << 30, sign_c = ((quadrant + 1) & 2) << 30;
  sine = (vf)((odd ? (vi)pc : (vi)ps) ^ sign_s);
  cosine = (vf)((odd ? (vi)ps : (vi)pc) ^ sign_c);
}

// The sine alone: reduction to [-1, 1] by half turns needs one polynomial (minimax, 4e-9; rounding 2e-7). |x| < 2^23.
FUNCTA_INLINE vf sine_quarters(vf x) {
  const float magic = 25165824.f;  // 1.5 * 2^24: adding it rounds to an even integer, whose half's parity is the low bit
  vf shifted = x + magic;
  vf r = x - (shifted - magic);
  vf r2 = r * r;
  vf p = fma(fma(fma(fma(splat(1.5082047336e-04f), r2, splat(-4.6722277428e-03f)), r2, splat(7.9688480423e-02f)), r2, splat(-6.4596335984e-01f)), r2, splat(1.5707962900e+00f)) * r;
  return (vf)((vi)p ^ ((vi)shifted << 31));
}

// sin and cos of x quarter turns in float64, by Taylor series on an eighth of a turn (rests below 1e-17). |x| < 2^50.
FUNCTA_INLINE void sincos_quarters(vd x, vd& sine, vd& cosine) {
  const double magic = 6755399441055744.;  // 1.5 * 2^52: adding it rounds to an integer and leaves that integer in the low bits
  vd shifted = x + magic;
  vl quadrant = (vl)shifted;
  vd r = (x - (shifted - magic)) * 1.57079632679489661923;
  vd r2 = r * r;
  const double odd_terms[] = {-1. / 1307674368000, 1. / 6227020800, -1. / 39916800, 1. / 362880, -1. / 5040, 1. / 120, -1. / 6};
  const double even_terms[] = {1. / 20922789888000, -1. / 87178291200, 1. / 479001600, -1. / 3628800, 1. / 40320, -1. / 720, 1. / 24, -1. / 2};
  vd ps = vd{}, pc = vd{};
  for (double term : odd_terms) ps = fma(ps, r2, splat(term));
  for (double term : even_terms) pc = fma(pc, r2, splat(term));
  ps = fma(ps * r2, r, r);
  pc = fma(pc, r2, splat(1.));
  vl odd = (quadrant & 1) != 0;
  vl sign_s = (quadrant & 2) << 62, sign_c = ((quadrant + 1) & 2) << 62;
  sine = (vd)((odd ? (vl)pc : (vl)ps) ^ sign_s);
  cosine = (vd)((odd ? (vl)ps : (vl)pc) ^ sign_c);
}
