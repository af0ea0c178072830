// What a transformer block has beside matrix products, forward and backward: normalised rows with a scale and a shift an item,
// gated sums, the GELU, attention. Included by dense.cc alone. Tasks are items (or heads of items), so the results do not depend
// on the number of threads.

// task(item, worker) for every item.
template <class Task> static void eachItem(DensePool* pool, int64_t items, Task task) {
  pool->run(pool, items, [](void* c, int64_t i, int worker) { (*(Task*)c)(i, worker); }, &task);
}

// body(at, n) over [0, width), n = VL but for the last.
template <class Body> INLINE void along(int64_t width, Body body) {
  int64_t i = 0;
  for (; i + VL <= width; i += VL) body(i, (int64_t)VL);
  if (i < width) body(i, width - i);
}
INLINE vf take(const float* p, int64_t n) { return n == VL ? load(p) : loadPart(p, n); }
INLINE void give(float* p, vf v, int64_t n) { n == VL ? store(p, v) : storePart(p, v, n); }

// Variance has this added, as in the reference of the denoiser (prior/diffusion/net-tfjs.ts).
constexpr float NORM_EPSILON = 1e-6f;

// y = (x - mean) / deviation * (1 + scale) + shift; moments [rows, 2] keep mean and 1 / deviation of each row.
static void norm(DensePool* pool, const DenseItems* s, const float* x, const float* scale, const float* shift, float* y, float* moments) {
  const DenseItems d = *s;
  eachItem(pool, d.items, [=](int64_t item, int) {
    const float *up = scale + item * d.stride, *by = shift + item * d.stride;
    for (int64_t row = item * d.tokens; row < (item + 1) * d.tokens; row++) {
      const float* from = x + row * d.width;
      float* to = y + row * d.width;
      const float mean = foldRow<Sum>(from, d.width) / d.width;
      vf squares{};
      along(d.width, [&](int64_t i, int64_t n) {
        vf v = take(from + i, n) - mean;
        if (n == VL) squares = fma(v, v, squares);
        else
          for (int64_t j = 0; j < n; j++) squares[j] += v[j] * v[j];
      });
      const float inverse = 1 / __builtin_sqrtf(lanes_sum(squares) / d.width + NORM_EPSILON);
      moments[2 * row] = mean;
      moments[2 * row + 1] = inverse;
      along(d.width, [&](int64_t i, int64_t n) {
        vf v = (take(from + i, n) - mean) * inverse;
        give(to + i, fma(v, take(up + i, n) + 1.f, take(by + i, n)), n);
      });
    }
  });
}

// From dy to what is added to dx, and to dscale and dshift of each item, which are overwritten.
static void normBack(DensePool* pool, const DenseItems* s, const float* x, const float* moments, const float* scale, const float* dy,
                     float* dx, float* dscale, float* dshift) {
  const DenseItems d = *s;
  eachItem(pool, d.items, [=](int64_t item, int) {
    const float* up = scale + item * d.stride;
    float *toScale = dscale + item * d.stride, *toShift = dshift + item * d.stride;
    for (int64_t i = 0; i < d.width; i++) toScale[i] = toShift[i] = 0;
    for (int64_t row = item * d.tokens; row < (item + 1) * d.tokens; row++) {
      const float *from = x + row * d.width, *back = dy + row * d.width;
      float* to = dx + row * d.width;
      const float mean = moments[2 * row], inverse = moments[2 * row + 1];
      vf sum{}, dot{};
      along(d.width, [&](int64_t i, int64_t n) {
        vf g = take(back + i, n), v = (take(from + i, n) - mean) * inverse;
        give(toShift + i, take(toShift + i, n) + g, n);
        give(toScale + i, fma(g, v, take(toScale + i, n)), n);
        g = g * (take(up + i, n) + 1.f);  // the lanes beyond the row are 0
        sum += g;
        dot = fma(g, v, dot);
      });
      const float level = lanes_sum(sum) / d.width, slope = lanes_sum(dot) / d.width;
      along(d.width, [&](int64_t i, int64_t n) {
        vf g = take(back + i, n) * (take(up + i, n) + 1.f), v = (take(from + i, n) - mean) * inverse;
        give(to + i, fma(g - level - v * slope, splat(inverse), take(to + i, n)), n);
      });
    }
  });
}

// h += gate * y.
static void gated(DensePool* pool, const DenseItems* s, const float* gate, const float* y, float* h) {
  const DenseItems d = *s;
  eachItem(pool, d.items, [=](int64_t item, int) {
    const float* by = gate + item * d.stride;
    for (int64_t row = item * d.tokens; row < (item + 1) * d.tokens; row++)
      along(d.width, [&](int64_t i, int64_t n) {
        const int64_t at = row * d.width + i;
        give(h + at, fma(take(by + i, n), take(y + at, n), take(h + at, n)), n);
      });
  });
}

// dy = gate * dh, and dgate of each item; both overwritten.
static void gatedBack(DensePool* pool, const DenseItems* s, const float* gate, const float* y, const float* dh, float* dy, float* dgate) {
  const DenseItems d = *s;
  eachItem(pool, d.items, [=](int64_t item, int) {
    const float* by = gate + item * d.stride;
    float* to = dgate + item * d.stride;
    for (int64_t i = 0; i < d.width; i++) to[i] = 0;
    for (int64_t row = item * d.tokens; row < (item + 1) * d.tokens; row++)
      along(d.width, [&](int64_t i, int64_t n) {
        const int64_t at = row * d.width + i;
        vf g = take(dh + at, n);
        give(dy + at, g * take(by + i, n), n);
        give(to + i, fma(g, take(y + at, n), take(to + i, n)), n);
      });
  });
}

// The GELU by its approximation with tanh (D. Hendrycks, K. Gimpel, arXiv 1606.08415): x / (1 + exp(-2 u)), u = c (x + 0.044715 x^3).
INLINE vf geluShare(vf x) { return vsigmoid(fma(x * x, splat(0.0713548162726f), splat(1.5957691216057f)) * x); }

static void gelu(DensePool* pool, const float* x, float* y, int64_t n) {
  eachChunk(pool, n, [=](int64_t from, int64_t to) {
    along(to - from, [&](int64_t i, int64_t m) {
      vf v = take(x + from + i, m);
      give(y + from + i, v * geluShare(v), m);
    });
  });
}

// dx = dy * gelu'(x); dx may be dy.
static void geluBack(DensePool* pool, const float* x, const float* dy, float* dx, int64_t n) {
  eachChunk(pool, n, [=](int64_t from, int64_t to) {
    along(to - from, [&](int64_t i, int64_t m) {
      vf v = take(x + from + i, m), share = geluShare(v);
      vf slope = fma(v * v, splat(3 * 0.0713548162726f), splat(1.5957691216057f)) * v;
      give(dx + from + i, take(dy + from + i, m) * share * fma(slope, 1.f - share, splat(1.f)), m);
    });
  });
}

// C [m, n] at its strides = A [m, k] B, with b as (j, k).
INLINE void productOn(DensePool* pool, int worker, Matrix a, Matrix b, Target c, int64_t m, int64_t n, int64_t k) {
  Product p;
  p.pool = pool;
  p.a = a, p.b = b, p.c = c;
  p.m = m, p.n = n, p.k = k;
  p.finish = {nullptr, DENSE_IDENTITY, 0};
  p.swapped = false;
  multiply(p, worker);
}

INLINE vf larger(vf a, vf b) { return a > b ? a : b; }

// The largest lane, by halves.
INLINE float lanes_max(vf v) {
  float lane[VL];
  store(lane, v);
  for (int half = VL / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
  return lane[0];
}

// A row of n numbers to exp(scale x) over their sum, in place. Rows here are short: what softmaxRow of dense-fold.h spends on
// the ends of a row would be most of the time.
INLINE void sharesOf(float* row, int64_t n, float scale) {
  vf top = splat(row[0]), total{};
  int64_t whole = n / VL * VL;
  for (int64_t i = 0; i < whole; i += VL) top = larger(top, load(row + i));
  for (int64_t i = whole; i < n; i++) top = larger(top, splat(row[i]));
  const float most = lanes_max(top);
  along(n, [&](int64_t i, int64_t m) {
    vf e = vexp((take(row + i, m) - most) * scale);
    if (m == VL) total += e;
    else
      for (int64_t j = 0; j < m; j++) total[j] += e[j];
    give(row + i, e, m);
  });
  const float inverse = 1 / lanes_sum(total);
  along(n, [&](int64_t i, int64_t m) { give(row + i, take(row + i, m) * inverse, m); });
}

// Where the rows of one head stand in [items, tokens, 3 * width]: query, key and value, the heads side by side in each.
struct Head {
  int64_t at, row, width, share;
  float scale;

  Head(const DenseAttention& d, int64_t index)
      : at(index / d.heads * d.tokens * 3 * d.width + index % d.heads * (d.width / d.heads)), row(3 * d.width), width(d.width / d.heads),
        share(index * d.tokens * d.tokens), scale(1 / __builtin_sqrtf((float)(d.width / d.heads))) {}
};
INLINE int64_t headOut(const DenseAttention& d, int64_t index) {
  return index / d.heads * d.tokens * d.width + index % d.heads * (d.width / d.heads);
}

// shares [items, heads, tokens, tokens] = softmax(Q K^T / sqrt(width of a head)); out [items, tokens, width] = shares V.
static void attention(DensePool* pool, const DenseAttention* s, const float* qkv, float* shares, float* out) {
  const DenseAttention d = *s;
  eachItem(pool, d.items * d.heads, [=](int64_t index, int worker) {
    const Head h(d, index);
    const float *q = qkv + h.at, *k = q + d.width, *v = k + d.width;
    float* p = shares + h.share;
    const int64_t t = d.tokens;
    productOn(pool, worker, {q, h.row, 1}, {k, h.row, 1}, {p, t, 1}, t, t, h.width);
    for (int64_t i = 0; i < t; i++) sharesOf(p + i * t, t, h.scale);
    productOn(pool, worker, {p, t, 1}, {v, 1, h.row}, {out + headOut(d, index), d.width, 1}, t, h.width, t);
  });
}

// dqkv from dout; `spare` is as large as the shares and overwritten.
static void attentionBack(DensePool* pool, const DenseAttention* s, const float* qkv, const float* shares, const float* dout, float* dqkv,
                          float* spare) {
  const DenseAttention d = *s;
  eachItem(pool, d.items * d.heads, [=](int64_t index, int worker) {
    const Head h(d, index);
    const float *q = qkv + h.at, *k = q + d.width, *v = k + d.width, *p = shares + h.share, *back = dout + headOut(d, index);
    float *dq = dqkv + h.at, *dk = dq + d.width, *dv = dk + d.width, *dp = spare + h.share;
    const int64_t t = d.tokens;
    productOn(pool, worker, {p, 1, t}, {back, 1, d.width}, {dv, h.row, 1}, t, h.width, t);
    productOn(pool, worker, {back, d.width, 1}, {v, h.row, 1}, {dp, t, 1}, t, t, h.width);
    for (int64_t i = 0; i < t; i++) {
      float* row = dp + i * t;
      const float* share = p + i * t;
      vf dot{};
      along(t, [&](int64_t j, int64_t n) { dot = fma(take(row + j, n), take(share + j, n), dot); });
      const float mean = lanes_sum(dot);
      along(t, [&](int64_t j, int64_t n) { give(row + j, (take(row + j, n) - mean) * take(share + j, n) * h.scale, n); });
    }
    productOn(pool, worker, {dp, t, 1}, {k, 1, h.row}, {dq, h.row, 1}, t, h.width, t);
    productOn(pool, worker, {dp, 1, t}, {q, 1, h.row}, {dk, h.row, 1}, t, h.width, t);
  });
}
