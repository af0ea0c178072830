// Elementwise kernels: maps of one and two arrays, with broadcasting, and copies between strided layouts. Included by
// dense.cc alone.

enum { CHUNK = 16384 };  // elements a task; below two chunks a loop is not worth a second thread

// body(from, to) over [0, n) in chunks, shared over threads.
template <class Body> static void eachChunk(DensePool* pool, int64_t n, Body body) {
  if (n <= 2 * CHUNK) return body((int64_t)0, n);
  struct Context {
    Body* body;
    int64_t n;
  } context = {&body, n};
  pool->run(
      pool, ceilDiv(n, CHUNK),
      [](void* c, int64_t i, int) {
        Context* x = (Context*)c;
        (*x->body)(i * CHUNK, least(x->n, (i + 1) * CHUNK));
      },
      &context);
}

// Calls use(f) with the map of `op`; p and q are its parameters.
template <class Use> INLINE void withUnary(int op, float p, float q, Use use) {
  const vf zero{}, one = splat(1.f);
  switch (op) {
    case DENSE_IDENTITY: return use([](vf x) { return x; });
    case DENSE_RELU: return use([=](vf x) { return x < zero ? zero : x; });
    case DENSE_RELU6: return use([=](vf x) { return x < zero ? zero : x > splat(6.f) ? splat(6.f) : x; });
    case DENSE_LEAKY_RELU: return use([=](vf x) { return x < zero ? x * p : x; });
    case DENSE_ELU: return use([=](vf x) { return x < zero ? vexpm1(x) : x; });
    case DENSE_SIGMOID: return use([](vf x) { return vsigmoid(x); });
    case DENSE_TANH: return use([](vf x) { return vtanh(x); });
    case DENSE_SOFTPLUS: return use([](vf x) { return vsoftplus(x); });
    case DENSE_EXP: return use([](vf x) { return vexp(x); });
    case DENSE_EXPM1: return use([](vf x) { return vexpm1(x); });
    case DENSE_LOG: return use([](vf x) { return vlog(x); });
    case DENSE_LOG1P: return use([](vf x) { return vlog1p(x); });
    case DENSE_SIN: return use([](vf x) { return vsincos<false>(x); });
    case DENSE_COS: return use([](vf x) { return vsincos<true>(x); });
    case DENSE_SQRT: return use([](vf x) { return vsqrt(x); });
    case DENSE_RSQRT: return use([=](vf x) { return one / vsqrt(x); });
    case DENSE_SQUARE: return use([](vf x) { return x * x; });
    case DENSE_ABS: return use([](vf x) { return vabs(x); });
    case DENSE_NEG: return use([](vf x) { return -x; });
    case DENSE_RECIPROCAL: return use([=](vf x) { return one / x; });
    case DENSE_STEP: return use([=](vf x) { return x > zero ? one : x != x ? x : splat(p); });
    case DENSE_SIGN: return use([=](vf x) { return x > zero ? one : x < zero ? -one : zero; });
    case DENSE_FLOOR: return use([](vf x) { return vfloor(x); });
    case DENSE_CEIL: return use([](vf x) { return vceil(x); });
    case DENSE_ROUND: return use([](vf x) { return vround(x); });
    case DENSE_CLIP: return use([=](vf x) { return x > splat(q) ? splat(q) : x < splat(p) ? splat(p) : x; });
  }
}

static void unary(DensePool* pool, int op, const float* x, float* y, int64_t n, float p, float q) {
  eachChunk(pool, n, [=](int64_t from, int64_t to) {
    withUnary(op, p, q, [=](auto f) {
      int64_t i = from;
      for (; i + VL <= to; i += VL) store(y + i, f(load(x + i)));
      if (i < to) storePart(y + i, f(loadPart(x + i, to - i)), to - i);
    });
  });
}

static void finishRow(const Finish& finish, float* row, int64_t from, int64_t to) {
  const float* bias = finish.bias;
  withUnary(finish.activation, finish.alpha, 0, [=](auto f) {
    int64_t j = from;
    for (; j + VL <= to; j += VL) store(row + j, f(bias ? load(row + j) + load(bias + j) : load(row + j)));
    if (j < to) {
      vf x = loadPart(row + j, to - j);
      storePart(row + j, f(bias ? x + loadPart(bias + j, to - j) : x), to - j);
    }
  });
}

INLINE vf vpow(vf a, vf b) {
  for (int i = 0; i < VL; i++) a[i] = (float)__builtin_pow((double)a[i], (double)b[i]);
  return a;
}

template <class Use> INLINE void withBinary(int op, Use use) {
  const vf zero{};
  switch (op) {
    case DENSE_ADD: return use([](vf a, vf b) { return a + b; });
    case DENSE_SUB: return use([](vf a, vf b) { return a - b; });
    case DENSE_MUL: return use([](vf a, vf b) { return a * b; });
    case DENSE_DIV: return use([](vf a, vf b) { return a / b; });
    case DENSE_MAXIMUM: return use([](vf a, vf b) { return (a > b || a != a) ? a : b; });
    case DENSE_MINIMUM: return use([](vf a, vf b) { return (a < b || a != a) ? a : b; });
    case DENSE_SQUARED_DIFFERENCE: return use([](vf a, vf b) { return (a - b) * (a - b); });
    case DENSE_POW: return use([](vf a, vf b) { return vpow(a, b); });
    case DENSE_PRELU: return use([=](vf a, vf b) { return a < zero ? a * b : a; });
    case DENSE_ELU_GRAD: return use([=](vf dy, vf y) { return y >= zero ? dy : dy * (y + 1.f); });
    case DENSE_EQUAL: return use([](vf a, vf b) { return a == b; });
    case DENSE_NOT_EQUAL: return use([](vf a, vf b) { return a != b; });
    case DENSE_LESS: return use([](vf a, vf b) { return a < b; });
    case DENSE_LESS_EQUAL: return use([](vf a, vf b) { return a <= b; });
    case DENSE_GREATER: return use([](vf a, vf b) { return a > b; });
    case DENSE_GREATER_EQUAL: return use([](vf a, vf b) { return a >= b; });
  }
}

INLINE void put(void* out, int64_t at, vf v, int64_t n) {
  if (n == VL) store((float*)out + at, v);
  else storePart((float*)out + at, v, n);
}
INLINE void put(void* out, int64_t at, vi mask, int64_t n) {
  typedef uint8_t vb __attribute__((vector_size(VL)));
  vb bytes = __builtin_convertvector(-mask, vb);
  for (int64_t i = 0; i < n; i++) ((uint8_t*)out)[at + i] = bytes[i];
}

// A row of n outputs from `at`; WHOLE_A: a advances with it, otherwise it is one number.
template <bool WHOLE_A, bool WHOLE_B, class F>
INLINE void row(F f, const float* a, const float* b, void* out, int64_t at, int64_t n) {
  vf fixedA = WHOLE_A ? vf{} : splat(*a), fixedB = WHOLE_B ? vf{} : splat(*b);
  int64_t i = 0;
  for (; i + VL <= n; i += VL)
    put(out, at + i, f(WHOLE_A ? load(a + i) : fixedA, WHOLE_B ? load(b + i) : fixedB), VL);
  if (i < n)
    put(out, at + i, f(WHOLE_A ? loadPart(a + i, n - i) : fixedA, WHOLE_B ? loadPart(b + i, n - i) : fixedB), n - i);
}

// Steps through the rows of a walk: offsets of a and b at the start of each.
struct Rows {
  const DenseWalk* w;
  int64_t index[DENSE_MAX_RANK], a, b;

  explicit Rows(const DenseWalk* walk, int64_t row) : w(walk), a(0), b(0) {
    for (int d = w->rank - 2; d >= 0; d--) {
      index[d] = row % w->size[d];
      row /= w->size[d];
      a += index[d] * w->a[d];
      b += index[d] * w->b[d];
    }
  }
  void next() {
    for (int d = w->rank - 2; d >= 0; d--) {
      a += w->a[d];
      b += w->b[d];
      if (++index[d] < w->size[d]) return;
      a -= w->a[d] * w->size[d];
      b -= w->b[d] * w->size[d];
      index[d] = 0;
    }
  }
};

INLINE int64_t elements(const DenseWalk* w) {
  int64_t n = 1;
  for (int d = 0; d < w->rank; d++) n *= w->size[d];
  return n;
}

// body(rows, start in the row, how many, place in the whole) for each stretch of a row in [from, to).
template <class Body> INLINE void eachRow(const DenseWalk* w, int64_t from, int64_t to, Body body) {
  int64_t inner = w->size[w->rank - 1];
  Rows rows(w, from / inner);
  for (int64_t at = from, start = from % inner; at < to; start = 0) {
    int64_t n = least(inner - start, to - at);
    body(rows, start, n, at);
    at += n;
    rows.next();
  }
}

static void binary(DensePool* pool, int op, const float* a, const float* b, void* out, const DenseWalk* w) {
  const bool wholeA = w->a[w->rank - 1] != 0, wholeB = w->b[w->rank - 1] != 0;
  eachChunk(pool, elements(w), [=](int64_t from, int64_t to) {
    withBinary(op, [=](auto f) {
      if (wholeA && wholeB)
        eachRow(w, from, to, [=](const Rows& r, int64_t s, int64_t n, int64_t at) {
          row<true, true>(f, a + r.a + s, b + r.b + s, out, at, n);
        });
      else if (wholeA)
        eachRow(w, from, to, [=](const Rows& r, int64_t s, int64_t n, int64_t at) {
          row<true, false>(f, a + r.a + s, b + r.b, out, at, n);
        });
      else if (wholeB)
        eachRow(w, from, to, [=](const Rows& r, int64_t s, int64_t n, int64_t at) {
          row<false, true>(f, a + r.a, b + r.b + s, out, at, n);
        });
      else
        eachRow(w, from, to, [=](const Rows& r, int64_t, int64_t n, int64_t at) {
          row<false, false>(f, a + r.a, b + r.b, out, at, n);
        });
    });
  });
}

static void select(DensePool* pool, const uint8_t* condition, const float* a, const float* b, float* out, int64_t n) {
  eachChunk(pool, n, [=](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      float x = a[i], y = b[i];
      out[i] = condition[i] ? x : y;
    }
  });
}

static void bytesToFloat(DensePool* pool, const uint8_t* x, float* out, int64_t n) {
  eachChunk(pool, n, [=](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) out[i] = x[i];
  });
}

static void copy(DensePool* pool, const float* x, float* out, const DenseWalk* w) {
  const int64_t from1 = w->a[w->rank - 1], to1 = w->b[w->rank - 1];
  eachChunk(pool, elements(w), [=](int64_t from, int64_t to) {
    eachRow(w, from, to, [=](const Rows& r, int64_t s, int64_t n, int64_t) {
      const float* source = x + r.a + s * from1;
      float* target = out + r.b + s * to1;
      if (from1 == 1 && to1 == 1)
        for (int64_t i = 0; i < n; i++) target[i] = source[i];
      else
        for (int64_t i = 0; i < n; i++) target[i * to1] = source[i * from1];
    });
  });
}
