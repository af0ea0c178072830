// See dense.h. Compiled once per instruction set with -DFUNCTA_ISA=<name>; everything but the one exported function is
// local to this file, so the copies share no code.
#include "dense.h"

#if defined(__AVX512F__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef FUNCTA_ISA
#define FUNCTA_ISA sse
#endif
#if defined(VL)
#elif defined(__AVX512F__)
#define VL 16
#elif defined(__AVX2__)
#define VL 8
#else
#define VL 4
#endif
#include "vec.h"
#define DENSE_PASTE(a, b) a##b
#define DENSE_NAME(isa) DENSE_PASTE(dense_kernels_, isa)
#define DENSE_TEXT(x) #x
#define DENSE_STRING(x) DENSE_TEXT(x)

namespace {
#include "dense-vector.h"
#include "dense-gemm.h"
#include "dense-map.h"
#include "dense-fold.h"
#include "dense-blocks.h"

// p -= rate m' / (sqrt(v') + epsilon) with bias-corrected moments (D. Kingma, J. Ba, arXiv 1412.6980, algorithm 1).
void adam(DensePool* pool, const DenseAdam* options, const float* gradient, float* value, float* m, float* v, int64_t n) {
  const DenseAdam o = *options;
  eachChunk(pool, n, [=](int64_t from, int64_t to) {
    auto step = [&](vf g, vf& x, vf& m1, vf& m2) {
      m1 = fma(m1, splat(o.beta1), g * (1 - o.beta1));
      m2 = fma(m2, splat(o.beta2), g * g * (1 - o.beta2));
      x = x - o.rate * (m1 / o.correct1) / (vsqrt(m2 / o.correct2) + o.epsilon);
    };
    int64_t i = from;
    for (; i + VL <= to; i += VL) {
      vf x = load(value + i), m1 = load(m + i), m2 = load(v + i);
      step(load(gradient + i), x, m1, m2);
      store(value + i, x), store(m + i, m1), store(v + i, m2);
    }
    if (i < to) {
      vf x = loadPart(value + i, to - i), m1 = loadPart(m + i, to - i), m2 = loadPart(v + i, to - i);
      step(loadPart(gradient + i, to - i), x, m1, m2);
      storePart(value + i, x, to - i), storePart(m + i, m1, to - i), storePart(v + i, m2, to - i);
    }
  });
}
}  // namespace

const DenseKernels* DENSE_NAME(FUNCTA_ISA)() {
  static const DenseKernels table = {DENSE_STRING(FUNCTA_ISA), VL, gemm, unary, binary, select, reduce, softmax, gather,
                                     segmentSum, copy, bytesToFloat, adam, norm, normBack, gated, gatedBack,
                                     gelu, geluBack, attention, attentionBack};
  return &table;
}
