// What JavaScript sees of the dense kernels: synchronous calls on typed arrays, for TensorFlow.js runs its kernels
// synchronously. Every count is checked against the arrays before a kernel starts, so a wrong call throws and touches nothing.
//
//   denseInfo() -> { isa, lanes, threads, instructionSets }
//   denseThreads(n)                                         denseInstructionSet(index in instructionSets)
//   denseGemm(a, b, c, bias | null, [batch, m, n, k, batchA, batchB, transposeA, transposeB, activation, alpha])
//   denseUnary(op, x, y, p, q)                              denseBinary(op, a, b, out, [rank, size..., a..., b...])
//   denseSelect(condition, a, b, out)                       denseReduce(op, x, out, [outer, n, inner, scale])
//   denseSoftmax(x, out, n)                                 denseGather(x, indices, out, [batch, outer, axis, inner, count])
//   denseSegmentSum(x, ids, out, [n, inner, segments])      denseCopy(x, xAt, out, outAt, [rank, size..., from..., to...])
//   denseBytesToFloat(x, out)                               denseAdam(gradient, value, m, v, [rate, b1, b2, eps, c1, c2])
//   denseNorm(x, scale, shift, y, moments, ITEMS)           denseNormBack(x, moments, scale, dy, dx, dscale, dshift, ITEMS)
//   denseGated(gate, y, h, ITEMS)                           denseGatedBack(gate, y, dh, dy, dgate, ITEMS)
//   denseGelu(x, y)                                         denseGeluBack(x, dy, dx)
//   denseAttention(qkv, shares, out, HEADS)                 denseAttentionBack(qkv, shares, dout, dqkv, spare, HEADS)
// with ITEMS = [items, tokens, width, stride of what an item shares] and HEADS = [items, tokens, heads, width].
//
// Lists of numbers are Float64Arrays: one look at the heap instead of ten.
#include <node_api.h>

#include <atomic>
#include <cstdio>
#include <new>

#include "../kernel/dense.h"
#include "dense-pool.h"

namespace {

functa::DenseThreads& host() {
  static functa::DenseThreads& one = *new functa::DenseThreads(2);  // outlives every thread that may be in it
  return one;
}

// What this processor can run, best first, ended by null.
const DenseKernels* const* available() {
  static const DenseKernels* list[4] = {};
  static const bool found = [] {
    int n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
      list[n++] = dense_kernels_avx512();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) list[n++] = dense_kernels_avx2();
    list[n++] = dense_kernels_sse();
#else
    list[n++] = dense_kernels_neon();
#endif
    return n > 0;
  }();
  (void)found;
  return list;
}

std::atomic<const DenseKernels*> chosen{nullptr};

const DenseKernels& kernels() {
  const DenseKernels* table = chosen.load(std::memory_order_relaxed);
  return table ? *table : *available()[0];
}

// A count or stride from JavaScript: a whole number below 2^31 in size, else -1, which no check lets pass as a count.
int64_t whole(double x) {
  if (!(x > -2147483648.0 && x < 2147483648.0)) return -1;
  return (double)(int64_t)x == x ? (int64_t)x : -1;
}

// Products in floating point: they cannot overflow, and are exact up to any length of an array.
double times(double a, double b, double c = 1, double d = 1) { return a * b * c * d; }

// The arguments of a call; the first that does not fit throws in JavaScript and makes `ok` false.
class Call {
 public:
  bool ok = true;

  Call(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = MAX;
    napi_value self;
    napi_get_cb_info(env, info, &count, values_, &self, nullptr);
  }

  double number() {
    double x = 0;
    if (napi_get_value_double(env_, next(), &x) != napi_ok) fail("a number");
    return x;
  }
  float* floats(int64_t& length) { return (float*)array(napi_float32_array, length, "a Float32Array"); }
  const float* floatsOrNull(int64_t& length) {
    napi_valuetype type;
    length = 0;
    if (napi_typeof(env_, values_[at_], &type) == napi_ok && type == napi_null) return at_++, nullptr;
    return floats(length);
  }
  const int32_t* ints(int64_t& length) { return (const int32_t*)array(napi_int32_array, length, "an Int32Array"); }
  const uint8_t* bytes(int64_t& length) { return (const uint8_t*)array(napi_uint8_array, length, "a Uint8Array"); }
  const double* list(int64_t least) {
    int64_t length;
    const double* x = (const double*)array(napi_float64_array, length, "a Float64Array");
    static const double zeros[32] = {};
    if (length < least) fail("a longer list of numbers");
    return ok ? x : zeros;
  }
  // Output of a binary kernel: floats or bytes.
  void* output(bool bytes, int64_t& length) {
    return array(bytes ? napi_uint8_array : napi_float32_array, length, bytes ? "a Uint8Array" : "a Float32Array");
  }
  DenseWalk walk() {
    int64_t length;
    const double* x = (const double*)array(napi_float64_array, length, "a Float64Array");
    DenseWalk w{};
    w.rank = 1;
    if (!ok) return w;
    int rank = length > 0 ? (int)whole(x[0]) : 0;
    if (rank < 1 || rank > DENSE_MAX_RANK || length < 1 + 3 * rank) return fail("a walk"), w;
    w.rank = rank;
    for (int d = 0; d < rank; d++) {
      w.size[d] = whole(x[1 + d]);
      w.a[d] = whole(x[1 + rank + d]);
      w.b[d] = whole(x[1 + 2 * rank + d]);
    }
    return w;
  }
  // Says that the arrays do not hold what the numbers ask for.
  bool require(bool holds) {
    if (ok && !holds) throwError("functa-dense: the arrays are shorter than the call says");
    return ok;
  }

 private:
  enum { MAX = 8 };
  napi_env env_;
  napi_value values_[MAX];
  int at_ = 0;

  napi_value next() { return values_[at_ < MAX ? at_++ : MAX - 1]; }
  void* array(napi_typedarray_type wanted, int64_t& length, const char* what) {
    napi_typedarray_type type;
    size_t n = 0;
    void* data = nullptr;
    length = 0;
    if (napi_get_typedarray_info(env_, next(), &type, &n, &data, nullptr, nullptr) != napi_ok ||
        (type != wanted && !(wanted == napi_uint8_array && type == napi_uint8_clamped_array)))
      return fail(what), nullptr;
    length = (int64_t)n;
    return data;
  }
  void fail(const char* what) {
    if (!ok) return;
    char text[96];
    snprintf(text, sizeof text, "functa-dense: argument %d is not %s", at_, what);
    throwError(text);
  }
  void throwError(const char* text) {
    ok = false;
    napi_throw_type_error(env_, "ERR_FUNCTA_DENSE", text);
  }
};

// Elements that a walk reaches by one of its two strides: [lowest, highest] offset.
bool reaches(const DenseWalk& w, const int64_t* stride, int64_t at, int64_t length) {
  double low = (double)at, high = low;
  for (int d = 0; d < w.rank; d++) {
    if (w.size[d] < 0) return false;
    if (w.size[d] == 0) return true;
    (stride[d] < 0 ? low : high) += times((double)(w.size[d] - 1), (double)stride[d]);
  }
  return low >= 0 && high < length;
}
double elements(const DenseWalk& w) {
  double n = 1;
  for (int d = 0; d < w.rank; d++) n *= (double)w.size[d];
  return n;
}

void gemm(Call& call) {
  int64_t lengthA, lengthB, lengthC, lengthBias;
  DenseGemm g;
  g.a = call.floats(lengthA);
  g.b = call.floats(lengthB);
  g.c = call.floats(lengthC);
  g.bias = call.floatsOrNull(lengthBias);
  const double* x = call.list(10);
  g.batch = whole(x[0]), g.m = whole(x[1]), g.n = whole(x[2]), g.k = whole(x[3]);
  g.batchA = whole(x[4]), g.batchB = whole(x[5]);
  g.transposeA = x[6] != 0, g.transposeB = x[7] != 0;
  g.activation = (int)whole(x[8]), g.alpha = (float)x[9];
  bool sizes = g.batch >= 0 && g.m >= 0 && g.n >= 0 && g.k >= 0 && g.batchA >= 0 && g.batchB >= 0;
  int64_t last = g.batch > 0 ? g.batch - 1 : 0;
  if (call.require(sizes && last * g.batchA + g.m * g.k <= lengthA && last * g.batchB + g.k * g.n <= lengthB &&
                   times(g.batch, g.m, g.n) <= lengthC && (!g.bias || g.n <= lengthBias) && g.activation >= 0 &&
                   g.activation < DENSE_UNARY_COUNT))
    kernels().gemm(&host(), &g);
}

void unary(Call& call) {
  int64_t n, m;
  int op = (int)whole(call.number());
  const float* x = call.floats(n);
  float* y = call.floats(m);
  float p = (float)call.number(), q = (float)call.number();
  if (call.require(m >= n && op >= 0 && op < DENSE_UNARY_COUNT)) kernels().unary(&host(), op, x, y, n, p, q);
}

void binary(Call& call) {
  int64_t lengthA, lengthB, lengthOut;
  int op = (int)whole(call.number());
  const float* a = call.floats(lengthA);
  const float* b = call.floats(lengthB);
  void* out = call.output(op >= DENSE_EQUAL, lengthOut);
  DenseWalk w = call.walk();
  if (!call.require(op >= 0 && op < DENSE_BINARY_COUNT && reaches(w, w.a, 0, lengthA) && reaches(w, w.b, 0, lengthB) &&
                    elements(w) <= lengthOut && w.a[w.rank - 1] <= 1 && w.b[w.rank - 1] <= 1))
    return;
  if (elements(w) > 0) kernels().binary(&host(), op, a, b, out, &w);
}

void select(Call& call) {
  int64_t n, lengthA, lengthB, lengthOut;
  const uint8_t* condition = call.bytes(n);
  const float* a = call.floats(lengthA);
  const float* b = call.floats(lengthB);
  float* out = call.floats(lengthOut);
  if (call.require(lengthA >= n && lengthB >= n && lengthOut >= n)) kernels().select(&host(), condition, a, b, out, n);
}

void reduce(Call& call) {
  int64_t lengthX, lengthOut;
  int op = (int)whole(call.number());
  const float* x = call.floats(lengthX);
  float* out = call.floats(lengthOut);
  const double* s = call.list(4);
  int64_t outer = whole(s[0]), n = whole(s[1]), inner = whole(s[2]);
  if (call.require(outer >= 0 && n >= 0 && inner >= 0 && times(outer, n, inner) <= lengthX && outer * inner <= lengthOut && op >= 0 &&
                   op < DENSE_REDUCE_COUNT))
    kernels().reduce(&host(), op, x, out, outer, n, inner, (float)s[3]);
}

void softmax(Call& call) {
  int64_t length, lengthOut;
  const float* x = call.floats(length);
  float* out = call.floats(lengthOut);
  int64_t n = whole(call.number());
  if (call.require(n >= 1 && length % n == 0 && lengthOut >= length))
    kernels().softmax(&host(), x, out, length / n, n);
}

void gather(Call& call) {
  int64_t lengthX, lengthIndices, lengthOut;
  const float* x = call.floats(lengthX);
  const int32_t* indices = call.ints(lengthIndices);
  float* out = call.floats(lengthOut);
  const double* s = call.list(5);
  int64_t batch = whole(s[0]), outer = whole(s[1]), axis = whole(s[2]), inner = whole(s[3]), count = whole(s[4]);
  bool fits = batch >= 0 && outer >= 0 && axis >= 0 && inner >= 0 && count >= 0 && times(batch, outer, axis, inner) <= lengthX &&
              batch * count <= lengthIndices && times(batch, outer, count, inner) <= lengthOut;
  for (int64_t i = 0; fits && i < batch * count; i++) fits = indices[i] >= 0 && indices[i] < axis;
  if (!call.require(fits)) return;
  if (times(batch, outer, count, inner) > 0) kernels().gather(&host(), x, indices, out, batch, outer, axis, inner, count);
}

void segmentSum(Call& call) {
  int64_t lengthX, lengthIds, lengthOut;
  const float* x = call.floats(lengthX);
  const int32_t* ids = call.ints(lengthIds);
  float* out = call.floats(lengthOut);
  const double* s = call.list(3);
  int64_t n = whole(s[0]), inner = whole(s[1]), segments = whole(s[2]);
  if (call.require(n >= 0 && inner >= 0 && segments >= 0 && n * inner <= lengthX && n <= lengthIds && segments * inner <= lengthOut))
    kernels().segmentSum(&host(), x, ids, out, n, inner, segments);
}

void copy(Call& call) {
  int64_t lengthX, lengthOut;
  const float* x = call.floats(lengthX);
  int64_t xAt = whole(call.number());
  float* out = call.floats(lengthOut);
  int64_t outAt = whole(call.number());
  DenseWalk w = call.walk();
  if (call.require(reaches(w, w.a, xAt, lengthX) && reaches(w, w.b, outAt, lengthOut)) && elements(w) > 0)
    kernels().copy(&host(), x + xAt, out + outAt, &w);
}

void bytesToFloat(Call& call) {
  int64_t n, lengthOut;
  const uint8_t* x = call.bytes(n);
  float* out = call.floats(lengthOut);
  if (call.require(lengthOut >= n)) kernels().bytesToFloat(&host(), x, out, n);
}

void adam(Call& call) {
  int64_t n, lengthX, lengthM, lengthV;
  const float* gradient = call.floats(n);
  float* value = call.floats(lengthX);
  float* m = call.floats(lengthM);
  float* v = call.floats(lengthV);
  const double* s = call.list(6);
  DenseAdam options = {(float)s[0], (float)s[1], (float)s[2], (float)s[3], (float)s[4], (float)s[5]};
  if (call.require(lengthX == n && lengthM == n && lengthV == n)) kernels().adam(&host(), &options, gradient, value, m, v, n);
}

// [items, tokens, width, stride] of rows; whether arrays of so many rows, and of what items share, hold them.
struct Items {
  DenseItems d;
  explicit Items(const double* s) : d{whole(s[0]), whole(s[1]), whole(s[2]), whole(s[3])} {}
  bool sane() const { return d.items >= 0 && d.tokens >= 1 && d.width >= 1 && d.stride >= d.width; }
  bool rows(int64_t length, int64_t width) const { return times(d.items, d.tokens, width) <= length; }
  bool shared(int64_t length) const { return d.items == 0 || times(d.items - 1, d.stride) + d.width <= length; }
};

void norm(Call& call) {
  int64_t lengthX, lengthScale, lengthShift, lengthY, lengthMoments;
  const float* x = call.floats(lengthX);
  const float* scale = call.floats(lengthScale);
  const float* shift = call.floats(lengthShift);
  float* y = call.floats(lengthY);
  float* moments = call.floats(lengthMoments);
  Items s(call.list(4));
  if (call.require(s.sane() && s.rows(lengthX, s.d.width) && s.rows(lengthY, s.d.width) && s.rows(lengthMoments, 2) &&
                   s.shared(lengthScale) && s.shared(lengthShift)))
    kernels().norm(&host(), &s.d, x, scale, shift, y, moments);
}

void normBack(Call& call) {
  int64_t lengthX, lengthMoments, lengthScale, lengthDy, lengthDx, lengthDscale, lengthDshift;
  const float* x = call.floats(lengthX);
  const float* moments = call.floats(lengthMoments);
  const float* scale = call.floats(lengthScale);
  const float* dy = call.floats(lengthDy);
  float* dx = call.floats(lengthDx);
  float* dscale = call.floats(lengthDscale);
  float* dshift = call.floats(lengthDshift);
  Items s(call.list(4));
  if (call.require(s.sane() && s.rows(lengthX, s.d.width) && s.rows(lengthMoments, 2) && s.rows(lengthDy, s.d.width) &&
                   s.rows(lengthDx, s.d.width) && s.shared(lengthScale) && s.shared(lengthDscale) && s.shared(lengthDshift)))
    kernels().normBack(&host(), &s.d, x, moments, scale, dy, dx, dscale, dshift);
}

void gated(Call& call) {
  int64_t lengthGate, lengthY, lengthH;
  const float* gate = call.floats(lengthGate);
  const float* y = call.floats(lengthY);
  float* h = call.floats(lengthH);
  Items s(call.list(4));
  if (call.require(s.sane() && s.shared(lengthGate) && s.rows(lengthY, s.d.width) && s.rows(lengthH, s.d.width)))
    kernels().gated(&host(), &s.d, gate, y, h);
}

void gatedBack(Call& call) {
  int64_t lengthGate, lengthY, lengthDh, lengthDy, lengthDgate;
  const float* gate = call.floats(lengthGate);
  const float* y = call.floats(lengthY);
  const float* dh = call.floats(lengthDh);
  float* dy = call.floats(lengthDy);
  float* dgate = call.floats(lengthDgate);
  Items s(call.list(4));
  if (call.require(s.sane() && s.shared(lengthGate) && s.rows(lengthY, s.d.width) && s.rows(lengthDh, s.d.width) &&
                   s.rows(lengthDy, s.d.width) && s.shared(lengthDgate)))
    kernels().gatedBack(&host(), &s.d, gate, y, dh, dy, dgate);
}

void gelu(Call& call) {
  int64_t n, lengthY;
  const float* x = call.floats(n);
  float* y = call.floats(lengthY);
  if (call.require(lengthY >= n)) kernels().gelu(&host(), x, y, n);
}

void geluBack(Call& call) {
  int64_t n, lengthDy, lengthDx;
  const float* x = call.floats(n);
  const float* dy = call.floats(lengthDy);
  float* dx = call.floats(lengthDx);
  if (call.require(lengthDy >= n && lengthDx >= n)) kernels().geluBack(&host(), x, dy, dx, n);
}

// [items, tokens, heads, width] of attention.
DenseAttention attentionOf(const double* s) { return {whole(s[0]), whole(s[1]), whole(s[2]), whole(s[3])}; }
bool holds(const DenseAttention& d, int64_t qkv, int64_t out, int64_t shares) {
  return d.items >= 0 && d.tokens >= 1 && d.heads >= 1 && d.width >= 1 && d.width % d.heads == 0 &&
         times(d.items, d.tokens, 3, d.width) <= qkv && times(d.items, d.tokens, d.width) <= out &&
         times(d.items, d.heads, d.tokens, d.tokens) <= shares;
}

void attention(Call& call) {
  int64_t lengthQkv, lengthShares, lengthOut;
  const float* qkv = call.floats(lengthQkv);
  float* shares = call.floats(lengthShares);
  float* out = call.floats(lengthOut);
  DenseAttention d = attentionOf(call.list(4));
  if (call.require(holds(d, lengthQkv, lengthOut, lengthShares))) kernels().attention(&host(), &d, qkv, shares, out);
}

void attentionBack(Call& call) {
  int64_t lengthQkv, lengthShares, lengthDout, lengthDqkv, lengthSpare;
  const float* qkv = call.floats(lengthQkv);
  const float* shares = call.floats(lengthShares);
  const float* dout = call.floats(lengthDout);
  float* dqkv = call.floats(lengthDqkv);
  float* spare = call.floats(lengthSpare);
  DenseAttention d = attentionOf(call.list(4));
  if (call.require(holds(d, lengthQkv, lengthDout, lengthShares) && holds(d, lengthDqkv, lengthDout, lengthSpare)))
    kernels().attentionBack(&host(), &d, qkv, shares, dout, dqkv, spare);
}

void threads(Call& call) {
  double n = call.number();
  if (call.require(n >= 1 && n <= 256)) host().threads = (int)n;
}

void instructionSet(Call& call) {
  double index = call.number();
  int count = 0;
  while (available()[count]) count++;
  if (call.require(index >= 0 && index < count)) chosen = available()[(int)index];
}

template <void (*BODY)(Call&)> napi_value method(napi_env env, napi_callback_info info) {
  Call call(env, info);
  try {
    BODY(call);
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "ERR_FUNCTA_DENSE", "functa-dense: out of memory for scratch");
  }
  return nullptr;
}

napi_value info(napi_env env, napi_callback_info) {
  napi_value out, value;
  napi_create_object(env, &out);
  napi_create_string_utf8(env, kernels().isa, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, out, "isa", value);
  napi_create_int32(env, kernels().lanes, &value);
  napi_set_named_property(env, out, "lanes", value);
  napi_create_int32(env, host().threads, &value);
  napi_set_named_property(env, out, "threads", value);
  napi_value list;
  napi_create_array(env, &list);
  for (uint32_t i = 0; available()[i]; i++) {
    napi_create_string_utf8(env, available()[i]->isa, NAPI_AUTO_LENGTH, &value);
    napi_set_element(env, list, i, value);
  }
  napi_set_named_property(env, out, "instructionSets", list);
  return out;
}

}  // namespace

// Adds the functions above to the addon's exports.
void init_dense(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {
      {"denseInfo", info},
      {"denseThreads", method<threads>},
      {"denseInstructionSet", method<instructionSet>},
      {"denseGemm", method<gemm>},
      {"denseUnary", method<unary>},
      {"denseBinary", method<binary>},
      {"denseSelect", method<select>},
      {"denseReduce", method<reduce>},
      {"denseSoftmax", method<softmax>},
      {"denseGather", method<gather>},
      {"denseSegmentSum", method<segmentSum>},
      {"denseCopy", method<copy>},
      {"denseBytesToFloat", method<bytesToFloat>},
      {"denseAdam", method<adam>},
      {"denseNorm", method<norm>},
      {"denseNormBack", method<normBack>},
      {"denseGated", method<gated>},
      {"denseGatedBack", method<gatedBack>},
      {"denseGelu", method<gelu>},
      {"denseGeluBack", method<geluBack>},
      {"denseAttention", method<attention>},
      {"denseAttentionBack", method<attentionBack>},
  };
  for (const auto& f : functions) {
    napi_value value;
    if (napi_create_function(env, f.name, NAPI_AUTO_LENGTH, f.call, nullptr, &value) == napi_ok)
      napi_set_named_property(env, exports, f.name, value);
  }
}
