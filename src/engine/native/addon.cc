// The native engine's door to Node (N-API, plain C): a request object in, a promise out. Typed arrays are used in place;
// the request is referenced until its job is done. Arguments are checked by check.ts; here only what memory safety needs.
#include <node_api.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <string>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "isa.h"
#include "pool.h"

#ifdef FUNCTA_DENSE
void init_dense(napi_env env, napi_value exports);
#endif

namespace {

using functa::Isa;
using functa::Job;
using functa::Kernels;

constexpr size_t HUGE_PAGE = 2 << 20;

// Grown on demand, kept between jobs (fresh pages cost more than a small job), returned when large.
struct Block {
  float* memory = nullptr;
  int64_t size = 0;
  float* of(int64_t floats) {
    if (floats > size) {
      free(memory);
      // What is large is in huge pages: touched for the first time 4 KB at a time it would take as long as the job.
      const size_t bytes = floats * sizeof(float), page = bytes < HUGE_PAGE ? 64 : HUGE_PAGE, whole = (bytes + page - 1) / page * page;
      memory = (float*)aligned_alloc(page, whole);
      size = memory ? floats : 0;
#ifdef MADV_HUGEPAGE
      if (memory && page == HUGE_PAGE) madvise(memory, whole, MADV_HUGEPAGE);
#endif
    }
    return memory;
  }
  void trim() {
    if (size <= (16l << 20)) return;
    free(memory);
    memory = nullptr;
    size = 0;
  }
};

// One job at a time uses all threads; jobs of other callers wait here.
struct Machine {
  std::mutex mutex;
  functa::Pool pool;
  Block block, scratch;
};
// Never destroyed: threads may outlive the environment of a worker that exits.
Machine& machine() {
  static Machine* const m = new Machine();
  return *m;
}

// What a thread of JavaScript needs to do jobs itself, without threads and without waiting for other callers.
struct Own {
  functa::Pool pool;
  Block block, scratch;
  ~Own() {
    free(block.memory);
    free(scratch.memory);
  }
};
Own& own() {
  static thread_local Own o;
  return o;
}

const Isa* isa_named(const char* name) {
  static Isa list[8];
  static const int n = functa::isa_list(list);
  if (!name || !*name) return &list[0];
  for (int i = 0; i < n; i++)
    if (!strcmp(list[i].name, name)) return &list[i];
  return nullptr;
}

struct Request {
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  napi_ref keep = nullptr;
  Job job{};
  const Isa* isa = nullptr;
  int threads = 1;
  bool out_of_memory = false;
};

template <class M>
bool execute_job(Request& r, M& m) {
  const Kernels* k = r.isa->kernels();
  Job& job = r.job;
  const int64_t block_size = k->job_floats(&job), scratch_size = k->scratch_floats(&job);
  float *block = m.block.of(block_size), *scratch = m.scratch.of(scratch_size * r.threads);
  if (!block || !scratch) return false;
  k->prepare(&job, block);
  if (!functa::is_large(&job)) {
    const int lanes = job.count < functa::LANES ? job.count : functa::LANES;
    m.pool.run(r.threads, lanes, [&](int lane, int thread) { k->run_lane(&job, lane, scratch + thread * scratch_size); });
    k->finish(&job);
  } else {
    const int maps = k->map_units(&job), passes = k->pass_units(&job), steps = !job.values && job.task == functa::TASK_ADAPT ? job.steps : 1;
    for (int step = 0; step < steps && !functa::is_cancelled(&job); step++) {
      m.pool.run(r.threads, maps, [&](int unit, int thread) { k->map_unit(&job, unit, step, scratch + thread * scratch_size); });
      m.pool.run(r.threads, passes, [&](int unit, int thread) { k->pass_unit(&job, unit, scratch + thread * scratch_size); });
      if (!job.values) m.pool.run(r.threads, maps, [&](int unit, int thread) { k->pull_unit(&job, unit, step, scratch + thread * scratch_size); });
    }
  }
  m.block.trim();
  m.scratch.trim();
  return true;
}

struct Reader {
  napi_env env;
  napi_value object;

  napi_value value(const char* name) {
    napi_value v;
    if (napi_get_named_property(env, object, name, &v) != napi_ok) napi_get_undefined(env, &v);
    return v;
  }
  bool absent(napi_value v) {
    napi_valuetype type;
    return napi_typeof(env, v, &type) != napi_ok || type == napi_undefined || type == napi_null;
  }
  double number(const char* name) {
    double x = 0;
    napi_get_value_double(env, value(name), &x);
    return x;
  }
  // Whether what stands there is absent or a typed array of this type.
  bool array(const char* name, napi_typedarray_type type, functa::Given* given) {
    napi_value v = value(name);
    *given = {nullptr, 0};
    if (absent(v)) return true;
    bool typed = false;
    napi_is_typedarray(env, v, &typed);
    napi_typedarray_type actual;
    size_t length = 0;
    if (!typed || napi_get_typedarray_info(env, v, &actual, &length, &given->data, nullptr, nullptr) != napi_ok || actual != type) return false;
    given->length = given->data ? (int64_t)length : 0;
    return true;
  }
};

// In the order of kernel/field.h.
const char* const number_names[functa::NUMBERS] = {"task", "count", "points", "modulation", "steps", "secondOrder", "distortionWeight", "evaluatePoints"};
const struct {
  const char* name;
  napi_typedarray_type type;
} array_names[functa::ARRAY_COUNT] = {
    {"description", napi_float64_array}, {"weights", napi_float32_array}, {"rates", napi_float32_array}, {"targets", napi_float32_array},
    {"pointWeights", napi_float32_array}, {"start", napi_float32_array}, {"trajectory", napi_float32_array}, {"offset", napi_float32_array},
    {"extraGradient", napi_float32_array}, {"losses", napi_float64_array}, {"gradient", napi_float32_array}, {"weightGradient", napi_float32_array},
    {"rateGradient", napi_float32_array}, {"coordinates", napi_float32_array}, {"values", napi_float32_array}, {"cancelled", napi_int32_array},
    {"grid", napi_float64_array}, {"slopes", napi_float32_array}, {"positions", napi_float64_array}, {"values64", napi_float64_array},
    {"slopes64", napi_float64_array},
};

constexpr double MAX_THREADS = 256;

// What of the request does not fit; null where it all does.
const char* fill(Reader& in, Request& r) {
  const double threads = in.number("threads");
  r.threads = threads >= 1 && threads <= MAX_THREADS ? (int)threads : 1;
  double numbers[functa::NUMBERS];
  functa::Given arrays[functa::ARRAY_COUNT];
  for (int i = 0; i < functa::NUMBERS; i++) numbers[i] = in.number(number_names[i]);
  for (int i = 0; i < functa::ARRAY_COUNT; i++)
    if (!in.array(array_names[i].name, array_names[i].type, &arrays[i])) return array_names[i].name;
  const int fault = functa::make_job(&r.job, numbers, arrays);
  return fault == functa::FITS ? nullptr : fault == functa::SIZES_AT_FAULT ? "sizes" : array_names[fault].name;
}

bool execute_shared(Request& r) {
  Machine& m = machine();
  std::lock_guard<std::mutex> lock(m.mutex);
  return execute_job(r, m);
}

void throw_error(napi_env env, const std::string& message, const char* code = nullptr) { napi_throw_error(env, code, message.c_str()); }

// The request that a function was called with; throws in JavaScript, and gives null, where it is not whole.
Request* request_of(napi_env env, napi_callback_info info, napi_value* object) {
  size_t argc = 1;
  napi_get_cb_info(env, info, &argc, object, nullptr, nullptr);
  auto* r = new Request();
  Reader in{env, *object};
  char isa[16] = "";
  napi_value isa_value = in.value("isa");
  size_t length = 0;
  if (!in.absent(isa_value)) napi_get_value_string_utf8(env, isa_value, isa, sizeof isa, &length);
  r->isa = isa_named(isa);
  const char* fault = fill(in, *r);
  if (fault || !r->isa) {
    const std::string what = r->isa ? std::string("native engine: '") + fault + "' does not fit" : "native engine: no such instruction set here";
    delete r;
    throw_error(env, what);
    return nullptr;
  }
  return r;
}

// run(request) -> Promise<void>: results are written into the request's arrays.
napi_value run(napi_env env, napi_callback_info info) {
  napi_value object, promise, name;
  Request* r = request_of(env, info, &object);
  if (!r) return nullptr;
  napi_create_reference(env, object, 1, &r->keep);
  napi_create_promise(env, &r->deferred, &promise);
  napi_create_string_utf8(env, "functa", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(
      env, nullptr, name, [](napi_env, void* data) { auto* r = (Request*)data; r->out_of_memory = !execute_shared(*r); },
      [](napi_env env, napi_status status, void* data) {
        auto* r = (Request*)data;
        napi_value result;
        if (status == napi_ok && !r->out_of_memory) {
          napi_get_undefined(env, &result);
          napi_resolve_deferred(env, r->deferred, result);
        } else {
          napi_value message, code;
          napi_create_string_utf8(env, r->out_of_memory ? "native engine: out of memory" : "native engine: cancelled", NAPI_AUTO_LENGTH, &message);
          napi_create_string_utf8(env, r->out_of_memory ? "out-of-memory" : "cancelled", NAPI_AUTO_LENGTH, &code);
          napi_create_error(env, code, message, &result);
          napi_reject_deferred(env, r->deferred, result);
        }
        napi_delete_reference(env, r->keep);
        napi_delete_async_work(env, r->work);
        delete r;
      },
      r, &r->work);
  napi_queue_async_work(env, r->work);
  return promise;
}

// runHere(request) -> void: the same, on the calling thread and on no other.
napi_value run_here(napi_env env, napi_callback_info info) {
  napi_value object, result;
  Request* r = request_of(env, info, &object);
  if (!r) return nullptr;
  r->threads = 1;
  const bool done = execute_job(*r, own());
  delete r;
  if (!done) throw_error(env, "native engine: out of memory", "out-of-memory");
  napi_get_undefined(env, &result);
  return result;
}

// instructionSets() -> names, best first.
napi_value instruction_sets(napi_env env, napi_callback_info) {
  Isa list[8];
  const int n = functa::isa_list(list);
  napi_value array, name;
  napi_create_array_with_length(env, n, &array);
  for (int i = 0; i < n; i++) {
    napi_create_string_utf8(env, list[i].name, NAPI_AUTO_LENGTH, &name);
    napi_set_element(env, array, i, name);
  }
  return array;
}

// peak(iterations, threads) -> floating-point operations done, to be timed by the caller.
napi_value peak(napi_env env, napi_callback_info info) {
  size_t argc = 2;
  napi_value args[2], result;
  napi_get_cb_info(env, info, &argc, args, nullptr, nullptr);
  double iterations = 0, threads = 1;
  napi_get_value_double(env, args[0], &iterations);
  napi_get_value_double(env, args[1], &threads);
  const Isa* isa = isa_named(nullptr);
  volatile float sink = 0;
  Machine& m = machine();
  std::lock_guard<std::mutex> lock(m.mutex);
  if (!(threads >= 1 && threads <= MAX_THREADS && iterations >= 0 && iterations <= 1e15)) {
    throw_error(env, "native engine: 'threads' or 'iterations' does not fit");
    return nullptr;
  }
  m.pool.run((int)threads, (int)threads, [&](int, int) { sink = isa->peak((long)iterations); });
  napi_create_double(env, 2.0 * isa->lanes * 12 * iterations * threads, &result);
  return result;
}

// Once a large block was freed, glibc cuts blocks up to its size out of arenas, which keep the holes: of a signal fitted in windows 40 to
// 90 MB that nobody uses. With thresholds of their own large blocks go back to the system; a person's own settings stay.
void return_large_blocks() {
#ifdef __GLIBC__
  for (const char* name : {"GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"})
    if (getenv(name)) return;
  mallopt(M_MMAP_THRESHOLD, 512 << 10);
  mallopt(M_TRIM_THRESHOLD, 2 << 20);
#endif
}

napi_value init(napi_env env, napi_value exports) {
  return_large_blocks();
  napi_value yes;
  napi_get_boolean(env, true, &yes);
  const napi_property_descriptor properties[] = {
      {"circles", nullptr, nullptr, nullptr, nullptr, yes, napi_enumerable, nullptr},
      {"derivatives", nullptr, nullptr, nullptr, nullptr, yes, napi_enumerable, nullptr},
      {"run", nullptr, run, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"runHere", nullptr, run_here, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"instructionSets", nullptr, instruction_sets, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"peak", nullptr, peak, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
#ifdef FUNCTA_DENSE
  init_dense(env, exports);
#endif
  return exports;
}

}  // namespace

NAPI_MODULE(functa, init)
