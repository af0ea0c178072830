// Reductions, softmax, gather and its adjoint. Included by dense.cc alone. Sums are taken in an order that depends on the
// shape alone, never on the number of threads.

enum { RUN = 4096 };  // summands of one partial result

struct Sum {
  static constexpr float start = 0;
  INLINE vf join(vf a, vf b) { return a + b; }
};
struct Max {
  static constexpr float start = -__builtin_inff();
  INLINE vf join(vf a, vf b) { return (a > b || a != a) ? a : b; }
};
struct Min {
  static constexpr float start = __builtin_inff();
  INLINE vf join(vf a, vf b) { return (a < b || a != a) ? a : b; }
};

template <class R> INLINE float across(vf v) {
  float total = v[0];
  for (int i = 1; i < VL; i++) total = R::join(splat(total), splat(v[i]))[0];
  return total;
}

// Four running vectors, then across.
template <class R> static float foldRow(const float* x, int64_t n) {
  const vf start = splat(R::start);
  vf s0 = start, s1 = start, s2 = start, s3 = start;
  int64_t i = 0;
  for (; i + 4 * VL <= n; i += 4 * VL) {
    s0 = R::join(s0, load(x + i));
    s1 = R::join(s1, load(x + i + VL));
    s2 = R::join(s2, load(x + i + 2 * VL));
    s3 = R::join(s3, load(x + i + 3 * VL));
  }
  for (; i + VL <= n; i += VL) s0 = R::join(s0, load(x + i));
  if (i < n) {
    vf last = start;
    for (int64_t j = i; j < n; j++) last[j - i] = x[j];
    s1 = R::join(s1, last);
  }
  return across<R>(R::join(R::join(s0, s1), R::join(s2, s3)));
}

// out[j] = fold of x[i, j] over i in [0, n), j in [from, to).
template <class R> static void foldColumns(const float* x, float* out, int64_t n, int64_t inner, int64_t from, int64_t to) {
  int64_t j = from;
  for (; j + VL <= to; j += VL) {
    vf s0 = splat(R::start), s1 = s0;
    int64_t i = 0;
    for (; i + 2 <= n; i += 2) {
      s0 = R::join(s0, load(x + i * inner + j));
      s1 = R::join(s1, load(x + (i + 1) * inner + j));
    }
    if (i < n) s0 = R::join(s0, load(x + i * inner + j));
    store(out + j, R::join(s0, s1));
  }
  for (; j < to; j++) {
    vf s = splat(R::start);
    for (int64_t i = 0; i < n; i++) s = R::join(s, splat(x[i * inner + j]));
    out[j] = s[0];
  }
}

template <class R>
static void fold(DensePool* pool, const float* x, float* out, int64_t outer, int64_t n, int64_t inner, float scale) {
  if (n == 0 || outer * inner == 0) {
    for (int64_t i = 0; i < outer * inner; i++) out[i] = R::start * scale;
    return;
  }
  // Partial results [outer, runs, inner] in scratch when an item is long, else straight into out.
  const int64_t longest = RUN, runs = ceilDiv(n, longest), strip = least(inner, 256), strips = ceilDiv(inner, strip);
  const bool direct = runs == 1 || outer * inner * runs > (1 << 20);
  const int64_t parts = direct ? 1 : runs, run = direct ? n : longest;
  float* partial = direct ? out : pool->scratch(pool, -1, 0, outer * parts * inner);
  const int64_t tasks = outer * parts * strips;
  auto task = [=](int64_t t) {
    int64_t item = t / (parts * strips), part = t / strips % parts, from = t % strips * strip;
    const float* source = x + (item * n + part * run) * inner;
    float* target = partial + (item * parts + part) * inner;
    int64_t length = least(run, n - part * run);
    if (inner == 1) *target = foldRow<R>(source, length);
    else foldColumns<R>(source, target, length, inner, from, least(inner, from + strip));
  };
  // Groups of tasks, so that short rows do not cost a hand-over each.
  const int64_t group = ceilDiv(CHUNK, least(run, n) * strip);
  struct Context {
    decltype(task)* each;
    int64_t tasks, group;
  } context = {&task, tasks, group};
  auto some = [](void* c, int64_t g, int) {
    Context* k = (Context*)c;
    for (int64_t t = g * k->group; t < least(k->tasks, (g + 1) * k->group); t++) (*k->each)(t);
  };
  if (outer * n * inner <= 2 * CHUNK)
    for (int64_t g = 0; g < ceilDiv(tasks, group); g++) some(&context, g, -1);
  else pool->run(pool, ceilDiv(tasks, group), some, &context);
  if (!direct)
    for (int64_t item = 0; item < outer; item++) {
      const float* source = partial + item * parts * inner;
      if (inner == 1) out[item] = foldRow<R>(source, parts);
      else foldColumns<R>(source, out + item * inner, parts, inner, 0, inner);
    }
  if (scale != 1)
    for (int64_t i = 0; i < outer * inner; i++) out[i] *= scale;
}

static void reduce(DensePool* pool, int op, const float* x, float* out, int64_t outer, int64_t n, int64_t inner, float scale) {
  switch (op) {
    case DENSE_REDUCE_SUM: return fold<Sum>(pool, x, out, outer, n, inner, scale);
    case DENSE_REDUCE_MAX: return fold<Max>(pool, x, out, outer, n, inner, 1);
    case DENSE_REDUCE_MIN: return fold<Min>(pool, x, out, outer, n, inner, 1);
  }
}

static void softmaxRow(const float* x, float* out, int64_t n) {
  const vf top = splat(foldRow<Max>(x, n));
  vf total{};
  int64_t i = 0;
  for (; i + VL <= n; i += VL) {
    vf e = vexp(load(x + i) - top);
    total += e;
    store(out + i, e);
  }
  if (i < n) {
    vf e = vexp(loadPart(x + i, n - i) - top);
    for (int64_t j = 0; j < n - i; j++) total[j] += e[j];
    storePart(out + i, e, n - i);
  }
  const float scale = 1 / across<Sum>(total);
  for (i = 0; i < n; i++) out[i] *= scale;
}

static void softmax(DensePool* pool, const float* x, float* out, int64_t rows, int64_t n) {
  const int64_t group = ceilDiv(CHUNK / 4, n);
  auto some = [=](int64_t g) {
    for (int64_t r = g * group; r < least(rows, (g + 1) * group); r++) softmaxRow(x + r * n, out + r * n, n);
  };
  pool->run(pool, ceilDiv(rows, group), [](void* c, int64_t g, int) { (*(decltype(some)*)c)(g); }, &some);
}

static void gather(DensePool* pool, const float* x, const int32_t* indices, float* out, int64_t batch, int64_t outer,
                   int64_t axis, int64_t inner, int64_t count) {
  eachChunk(pool, batch * outer * count * inner, [=](int64_t from, int64_t to) {
    for (int64_t at = from, s = from % inner; at < to; s = 0) {
      int64_t n = least(inner - s, to - at), place = at / inner, item = place / count, b = item / outer;
      const float* source = x + (item * axis + indices[b * count + place % count]) * inner + s;
      for (int64_t i = 0; i < n; i++) out[at + i] = source[i];
      at += n;
    }
  });
}

static void segmentSum(DensePool* pool, const float* x, const int32_t* ids, float* out, int64_t n, int64_t inner,
                       int64_t segments) {
  const int64_t strip = inner >= 128 ? ceilDiv(inner, 2 * pool->threads) : inner;
  auto some = [=](int64_t t) {
    int64_t from = t * strip, to = least(inner, from + strip);
    for (int64_t s = 0; s < segments; s++)
      for (int64_t j = from; j < to; j++) out[s * inner + j] = 0;
    for (int64_t i = 0; i < n; i++) {
      if (ids[i] < 0 || ids[i] >= segments) continue;
      const float* source = x + i * inner;
      float* target = out + ids[i] * inner;
      for (int64_t j = from; j < to; j++) target[j] += source[j];
    }
  };
  if (inner > 0)
    pool->run(pool, ceilDiv(inner, strip), [](void* c, int64_t t, int) { (*(decltype(some)*)c)(t); }, &some);
}
