// Dense float32 kernels behind the TensorFlow.js backend: matrix products, elementwise maps with broadcasting,
// reductions, softmax, gather, strided copies, Adam. dense.cc is compiled once per instruction set; each copy exports
// one table of function pointers, so that nothing but plain C types crosses between them.
#pragma once
#include <stdint.h>

// A task of a parallel loop: `index` counts the tasks, `worker` names who runs it (for scratch memory).
typedef void (*DenseTask)(void* context, int64_t index, int worker);

// How kernels use threads and scratch memory; the host owns it. Which worker runs a task never changes a result.
struct DensePool {
  int threads;
  // Runs all tasks and returns when they are done.
  void (*run)(DensePool* pool, int64_t tasks, DenseTask task, void* context);
  // 64-byte aligned scratch of at least `floats`, kept between calls; slot 0..1, worker -1: the caller's own.
  float* (*scratch)(DensePool* pool, int worker, int slot, int64_t floats);
};

enum DenseUnary {
  DENSE_IDENTITY, DENSE_RELU, DENSE_RELU6, DENSE_LEAKY_RELU, DENSE_ELU, DENSE_SIGMOID, DENSE_TANH, DENSE_SOFTPLUS,
  DENSE_EXP, DENSE_EXPM1, DENSE_LOG, DENSE_LOG1P, DENSE_SIN, DENSE_COS, DENSE_SQRT, DENSE_RSQRT, DENSE_SQUARE,
  DENSE_ABS, DENSE_NEG, DENSE_RECIPROCAL, DENSE_STEP, DENSE_SIGN, DENSE_FLOOR, DENSE_CEIL, DENSE_ROUND, DENSE_CLIP,
  DENSE_UNARY_COUNT
};

// From DENSE_EQUAL on the output is one byte an element.
enum DenseBinary {
  DENSE_ADD, DENSE_SUB, DENSE_MUL, DENSE_DIV, DENSE_MAXIMUM, DENSE_MINIMUM, DENSE_SQUARED_DIFFERENCE, DENSE_POW,
  DENSE_PRELU, DENSE_ELU_GRAD,
  DENSE_EQUAL, DENSE_NOT_EQUAL, DENSE_LESS, DENSE_LESS_EQUAL, DENSE_GREATER, DENSE_GREATER_EQUAL,
  DENSE_BINARY_COUNT
};

enum DenseReduce { DENSE_REDUCE_SUM, DENSE_REDUCE_MAX, DENSE_REDUCE_MIN, DENSE_REDUCE_COUNT };

enum { DENSE_MAX_RANK = 8 };

// A walk over up to DENSE_MAX_RANK axes, outermost first. Strides count elements; 0 repeats.
struct DenseWalk {
  int rank;
  int64_t size[DENSE_MAX_RANK], a[DENSE_MAX_RANK], b[DENSE_MAX_RANK];
};

// c[b] = act(A[b] B[b] + bias): A [m, k], B [k, n], C [m, n] row-major after the transposes; batch strides in elements.
struct DenseGemm {
  int64_t batch, m, n, k;
  const float *a, *b;
  float* c;
  int64_t batchA, batchB;  // 0 repeats one matrix
  bool transposeA, transposeB;
  const float* bias;  // [n] or null
  int activation;     // DenseUnary
  float alpha;
};

// `items` of `tokens` rows of `width`; what all rows of an item share stands `stride` apart from item to item.
struct DenseItems {
  int64_t items, tokens, width, stride;
};
struct DenseAttention {
  int64_t items, tokens, heads, width;
};

struct DenseAdam {
  float rate, beta1, beta2, epsilon;
  float correct1, correct2;  // 1 - beta^t
};

struct DenseKernels {
  const char* isa;
  int lanes;
  void (*gemm)(DensePool*, const DenseGemm*);
  void (*unary)(DensePool*, int op, const float* x, float* y, int64_t n, float p, float q);
  // Output contiguous in the order of the walk; inputs by its strides a and b, the innermost of which are 0 or 1.
  void (*binary)(DensePool*, int op, const float* a, const float* b, void* out, const DenseWalk*);
  void (*select)(DensePool*, const uint8_t* condition, const float* a, const float* b, float* out, int64_t n);
  // [outer, n, inner] -> [outer, inner], then times scale.
  void (*reduce)(DensePool*, int op, const float* x, float* out, int64_t outer, int64_t n, int64_t inner, float scale);
  void (*softmax)(DensePool*, const float* x, float* out, int64_t rows, int64_t n);
  // x [batch, outer, axis, inner], indices [batch, count] -> [batch, outer, count, inner]; indices are in range.
  void (*gather)(DensePool*, const float* x, const int32_t* indices, float* out, int64_t batch, int64_t outer,
                 int64_t axis, int64_t inner, int64_t count);
  // x [n, inner] summed by id into [segments, inner]; ids outside are left out.
  void (*segmentSum)(DensePool*, const float* x, const int32_t* ids, float* out, int64_t n, int64_t inner,
                     int64_t segments);
  // out at strides b = x at strides a.
  void (*copy)(DensePool*, const float* x, float* out, const DenseWalk*);
  void (*bytesToFloat)(DensePool*, const uint8_t* x, float* out, int64_t n);
  void (*adam)(DensePool*, const DenseAdam*, const float* gradient, float* value, float* m, float* v, int64_t n);

  // See dense-blocks.h.
  void (*norm)(DensePool*, const DenseItems*, const float* x, const float* scale, const float* shift, float* y, float* moments);
  void (*normBack)(DensePool*, const DenseItems*, const float* x, const float* moments, const float* scale, const float* dy, float* dx,
                   float* dscale, float* dshift);
  void (*gated)(DensePool*, const DenseItems*, const float* gate, const float* y, float* h);
  void (*gatedBack)(DensePool*, const DenseItems*, const float* gate, const float* y, const float* dh, float* dy, float* dgate);
  void (*gelu)(DensePool*, const float* x, float* y, int64_t n);
  void (*geluBack)(DensePool*, const float* x, const float* dy, float* dx, int64_t n);
  void (*attention)(DensePool*, const DenseAttention*, const float* qkv, float* shares, float* out);
  void (*attentionBack)(DensePool*, const DenseAttention*, const float* qkv, const float* shares, const float* dout, float* dqkv,
                        float* spare);
};

const DenseKernels* dense_kernels_sse();
const DenseKernels* dense_kernels_avx2();
const DenseKernels* dense_kernels_avx512();
const DenseKernels* dense_kernels_neon();
