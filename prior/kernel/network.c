/* One cell of a context network, in WebAssembly with SIMD. Memory is laid out by prior/cell-network-wasm.ts. */
#include "network.h"

/* Pairs of `both` from `first` on that are not 0: the others cost nothing. */
static int list(const int32_t *both, int first, int pairs, int32_t *active) {
  int count = 0;
  for (int i = first; i < pairs; i++) {
    active[count] = i;
    count += both[i] != 0;
  }
  return count;
}

/* to = from + x weights, of the pairs of x that are listed; N quads at a time. Unrolled, sums would leave their registers. */
#define MULTIPLY(N)                                                                                 \
  for (; q + N <= quads; q += N) {                                                                  \
    v128_t sum[N];                                                                                  \
    for (int j = 0; j < N; j++) sum[j] = from[q + j];                                               \
    _Pragma("clang loop unroll(disable)") for (int k = 0; k < count; k++) {                         \
      const v128_t *row = weights + active[k] * quads + q;                                          \
      const v128_t v = wasm_i32x4_splat(both[active[k]]);                                           \
      for (int j = 0; j < N; j++) sum[j] = wasm_i32x4_add(sum[j], wasm_i32x4_dot_i16x8(v, row[j])); \
    }                                                                                               \
    for (int j = 0; j < N; j++) to[q + j] = sum[j];                                                 \
  }
static void multiply(const Product *p, const int16_t *x, const int32_t *active, int count, const v128_t *from,
                     v128_t *to) {
  const int32_t *both = (const int32_t *)x;
  const v128_t *weights = (const v128_t *)p->weights;
  const int quads = p->quads;
  int q = 0;
  MULTIPLY(4)
#ifndef SMALL
  MULTIPLY(2)
#endif
  MULTIPLY(1)
}

/* What leads from the inputs on, of the pairs that are listed: raw, signed_ and size are 0 at the same inputs. */
static void multiplyInputs(const Network *n, int count, int start, int end) {
  const Product *const of[3] = {&n->mean, &n->scale, &n->hidden[0]};
  const int16_t *const x[3] = {n->raw, n->size, n->signed_};
  for (int j = 0; j < (n->layers == 0 ? 2 : 3); j++) {
    const Product *p = of[j];
    multiply(p, x[j], n->active, count, start ? p->sums + p->quads : p->bias, end ? p->sums : p->sums + p->quads);
  }
}

int infer(const Network *n, int shared) {
  const int32_t *both = (const int32_t *)n->raw;
  int same = 1;
  if (IS_SMALL) shared = 0;
  for (int i = 0; i < shared; i++) same &= both[i] == n->values[i];
  if (!same) {
    for (int i = 0; i < shared; i++) n->values[i] = both[i];
    multiplyInputs(n, list(both, 0, shared, n->active), 0, 0);
  }
  const int own = list(both, shared, n->mean.pairs, n->active);
  multiplyInputs(n, own, shared > 0, 1);
  if (n->layers == 0) return own;
  const int16_t *x = n->signed_;
  int count = 0;
  for (int j = 0; j < n->layers; j++) {
    const Product *p = &n->hidden[j];
    if (j > 0) multiply(p, x, n->active, count, p->bias, p->sums);
    int16_t *units = n->units[j & 1];
    for (int q = 0; q < p->quads; q++) {
      const v128_t h = wasm_i32x4_shr(p->sums[q], p->shift);
      const v128_t clipped = wasm_i32x4_min(wasm_i32x4_max(h, wasm_i32x4_splat(0)), wasm_i32x4_splat(MAX_HIDDEN));
      wasm_v128_store64_lane(units + 4 * q, wasm_i16x8_narrow_i32x4(clipped, clipped), 0);
    }
    x = units;
    count = list((const int32_t *)x, 0, 2 * p->quads, n->active);
  }
  const Product *const heads[2] = {&n->mean, &n->scale};
  for (int h = 0; h < 2; h++) {
    const Product *p = &n->output[h];
    multiply(p, x, n->active, count, p->bias, p->sums);
    for (int q = 0; q < p->quads; q++)
      heads[h]->sums[q] = wasm_i32x4_add(heads[h]->sums[q], wasm_i32x4_shr(p->sums[q], p->shift));
  }
  return own;
}

/* The same of `values`. */
__attribute__((export_name("run"))) void run(const Network *n) {
  for (int i = 0; i < n->auxiliary; i++) n->raw[i] = n->signed_[i] = n->size[i] = n->values[i];
  for (int i = n->auxiliary; i < n->inputs; i++) {
    const int v = n->values[i];
    const int size = v == 0 ? 0 : compand(v < 0 ? -v : v);
    n->raw[i] = v;
    n->size[i] = size;
    n->signed_[i] = v < 0 ? -size : size;
  }
  infer(n, 0);
}
