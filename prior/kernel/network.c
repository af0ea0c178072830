/* One cell of a context network, in WebAssembly with SIMD. Memory is laid out by prior/cell-network-wasm.ts. */
#include "network.h"

/* sums = bias + x weights; pairs of inputs that are 0 cost nothing. */
static void multiply(const Product *p, const int16_t *x, int32_t *active) {
  const int32_t *both = (const int32_t *)x;
  const v128_t *weights = (const v128_t *)p->weights;
  const int quads = p->quads;
  int count = 0;
  for (int i = 0; i < p->pairs; i++) {
    active[count] = i;
    count += both[i] != 0;
  }
  int q = 0;
  for (; q + 4 <= quads; q += 4) {
    v128_t a = p->bias[q], b = p->bias[q + 1], c = p->bias[q + 2], d = p->bias[q + 3];
    for (int k = 0; k < count; k++) {
      const v128_t *row = weights + active[k] * quads + q;
      const v128_t v = wasm_i32x4_splat(both[active[k]]);
      a = wasm_i32x4_add(a, wasm_i32x4_dot_i16x8(v, row[0]));
      b = wasm_i32x4_add(b, wasm_i32x4_dot_i16x8(v, row[1]));
      c = wasm_i32x4_add(c, wasm_i32x4_dot_i16x8(v, row[2]));
      d = wasm_i32x4_add(d, wasm_i32x4_dot_i16x8(v, row[3]));
    }
    p->sums[q] = a;
    p->sums[q + 1] = b;
    p->sums[q + 2] = c;
    p->sums[q + 3] = d;
  }
  for (; q < quads; q++) {
    v128_t a = p->bias[q];
    for (int k = 0; k < count; k++) {
      const v128_t v = wasm_i32x4_splat(both[active[k]]);
      a = wasm_i32x4_add(a, wasm_i32x4_dot_i16x8(v, weights[active[k] * quads + q]));
    }
    p->sums[q] = a;
  }
}

void infer(const Network *n) {
  multiply(&n->mean, n->raw, n->active);
  multiply(&n->scale, n->size, n->active);
  if (n->layers == 0) return;
  const int16_t *x = n->signed_;
  for (int j = 0; j < n->layers; j++) {
    const Product *p = &n->hidden[j];
    multiply(p, x, n->active);
    int16_t *units = n->units[j & 1];
    for (int q = 0; q < p->quads; q++) {
      const v128_t h = wasm_i32x4_shr(p->sums[q], p->shift);
      const v128_t clipped = wasm_i32x4_min(wasm_i32x4_max(h, wasm_i32x4_splat(0)), wasm_i32x4_splat(MAX_HIDDEN));
      wasm_v128_store64_lane(units + 4 * q, wasm_i16x8_narrow_i32x4(clipped, clipped), 0);
    }
    x = units;
  }
  const Product *const heads[2] = {&n->mean, &n->scale};
  for (int h = 0; h < 2; h++) {
    const Product *p = &n->output[h];
    multiply(p, x, n->active);
    for (int q = 0; q < p->quads; q++)
      heads[h]->sums[q] = wasm_i32x4_add(heads[h]->sums[q], wasm_i32x4_shr(p->sums[q], p->shift));
  }
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
  infer(n);
}
