// Jobs over the passes of tile.h: adapt, gradient, meta-gradient and evaluate. Compiled once for each instruction set.
#include "field.h"
#include "derive.h"
#include "evaluate.h"
#include "tile.h"

#ifndef FUNCTA_ISA
#define FUNCTA_ISA generic
#endif
#define FUNCTA_JOIN_(a, b) a##b
#define FUNCTA_JOIN(a, b) FUNCTA_JOIN_(a, b)

namespace functa {
namespace FUNCTA_JOIN(isa_, FUNCTA_ISA) {

constexpr int CELL_BLOCK = 64;

// What one thread brings: everything about the signal it is at.
struct Scratch {
  Activations activations;
  Shifts shifts, adjoint;
  Tangent tangent;
  Geometry geometry;
  Evaluation evaluation;
  Derivation derivation;
  float *pulled, *v, *u, *g;
};

static int job_channels(const Dims& d) {
  int most = 1;
  for (int k = 0; k < d.level_count; k++) most = d.grid[k].channels > most ? d.grid[k].channels : most;
  return most;
}

static Scratch scratch_views(const Job* job, const Dims& d, Arena& arena) {
  Scratch s{};
  if (evaluates(job)) {
    s.evaluation = evaluation_views(job, d, arena);
    return s;
  }
  if (derives(job)) {
    s.derivation = derivation_views(dims64_of(d, job->spec), arena);
    return s;
  }
  s.activations = activations_views(d, arena);
  s.pulled = arena.take((long)CELL_BLOCK * (d.level_count ? round_up(1024, VL) : VL));
  s.geometry = geometry_views(d, arena);
  if (is_large(job)) {
    s.g = arena.take((long)CELL_BLOCK * (d.row + job_channels(d)));
    return s;
  }
  s.shifts = shifts_views(d, arena);
  s.adjoint = shifts_views(d, arena);
  if (job->task != TASK_META) {
    s.g = arena.take(job->modulation);
    return s;
  }
  s.tangent.shifts = shifts_views(d, arena);
  s.tangent.adjoint = shifts_views(d, arena);
  s.v = arena.take(job->modulation);
  s.u = arena.take(job->modulation);
  s.g = arena.take(job->modulation);
  return s;
}

static Net prepared(const Job* job, const Dims& d) {
  Arena arena{job->prepared};
  return net_views(d, arena);
}

static Net64 prepared64(const Job* job, const Dims64& e) {
  Arena arena{job->prepared};
  return net64_views(e, arena);
}

static int64_t lane_floats(const Dims& d) {
  Arena arena{nullptr};
  sums_views(d, arena);
  return arena.used;
}

static Sums lane_sums(const Job* job, const Dims& d, int lane) {
  Arena arena{job->accumulators + lane * lane_floats(d)};
  return sums_views(d, arena);
}

static int64_t geometry_floats(const Dims& d) {
  Arena arena{nullptr};
  geometry_views(d, arena);
  return arena.used;
}

static Geometry tile_geometry(const Job* job, const Dims& d, int tile) {
  Arena arena{job->geometry + tile * geometry_floats(d)};
  return geometry_views(d, arena);
}

static int tiles_of(long points) { return (int)((points + TILE - 1) / TILE); }

// Points of a grid in row-major order, through the tables of their axes.
static void grid_geometry(const Job* job, const Dims& d, const int* count, long first, int valid, Geometry& g) {
  const int entry = axis_entry_floats(job->spec);
  long at = first;
  int index[MAX_AXES] = {0, 0, 0};
  for (int a = d.axes - 1; a >= 0; a--) {
    index[a] = (int)(at % count[a]);
    at /= count[a];
  }
  const float* table[MAX_AXES];
  long offset = 0;
  for (int a = 0; a < d.axes; a++) {
    table[a] = job->axis_tables + offset * entry;
    offset += count[a];
  }
  const float* entries[MAX_AXES];
  for (int t = 0; t < TILE; t++) {
    for (int a = 0; a < d.axes; a++) entries[a] = table[a] + (long)index[a] * entry;
    geometry_point(job->spec, d, g, t, entries);
    if (t + 1 >= valid) continue;  // the rest of the tile repeats its last point, with weight 0
    for (int a = d.axes - 1; a >= 0 && ++index[a] == count[a]; a--) index[a] = 0;
  }
}

// Rows first..first+count of a level's grid mapped by M.
static void map_rows(const Dims& d, const Net& n, int k, const float* phi, int first, int count, float* out) {
  const int channels = d.grid[k].channels;
  gemm<false>(count, d.row, channels, phi + d.grid[k].offset + (long)first * channels, channels, 1, n.m[k], d.row, out, d.row);
}

// The row for the whole signal: global levels, on top of the biases where with_bias.
static void map_base(const Dims& d, const Net& n, const float* phi, bool with_bias, float* base) {
  for (int j = 0; j < d.row; j++) base[j] = with_bias ? n.base[j] : 0;
  for (int k = 0; k < d.level_count; k++)
    if (d.grid[k].global) gemm<true>(1, d.row, d.grid[k].channels, phi + d.grid[k].offset, d.grid[k].channels, 1, n.m[k], d.row, base, d.row);
}

static void map_all(const Dims& d, const Net& n, const float* phi, bool with_bias, const Shifts& s) {
  map_base(d, n, phi, with_bias, s.base);
  for (int k = 0; k < d.level_count; k++)
    if (s.cell[k]) map_rows(d, n, k, phi, 0, d.grid[k].cells, s.cell[k]);
}

// The adjoint rows of level k, from `first`, mapped by M^T: out [count, channels].
static void pull_rows(const Dims& d, const Net& n, int k, const float* rows, int count, float* pulled, float* out) {
  const int channels = d.grid[k].channels, padded = d.grid[k].channel_row;
  for (int c0 = 0; c0 < padded; c0 += 1024) {
    const int columns = padded - c0 < 1024 ? padded - c0 : 1024;
    for (int first = 0; first < count; first += CELL_BLOCK) {
      const int block = count - first < CELL_BLOCK ? count - first : CELL_BLOCK;
      gemm<false>(block, columns, d.row, rows + (long)first * d.row, d.row, 1, n.mt[k] + c0, padded, pulled, columns);
      for (int i = 0; i < block; i++)
        for (int c = 0; c < columns && c0 + c < channels; c++) out[(long)(first + i) * channels + c0 + c] = pulled[i * columns + c];
    }
  }
}

static void pull_all(const Dims& d, const Net& n, const Shifts& s, float* pulled, float* out) {
  for (int k = 0; k < d.level_count; k++)
    pull_rows(d, n, k, d.grid[k].global ? s.base : s.cell[k], d.grid[k].cells, pulled, out + d.grid[k].offset);
}

// Gradient of M: sums over cells of phi (x) adjoint.
static void add_outer(const Dims& d, const float* phi, const Shifts& s, Sums& sums) {
  for (int k = 0; k < d.level_count; k++) {
    const float* rows = d.grid[k].global ? s.base : s.cell[k];
    gemm<true>(d.grid[k].channels, d.row, d.grid[k].cells, phi + d.grid[k].offset, 1, d.grid[k].channels, rows, d.row, sums.m[k], d.row);
  }
}

template <Pass PASS>
static double signal_pass(const Job* job, const Dims& d, const Net& n, Scratch& s, int signal, float scale, Sums* sums) {
  const int tiles = tiles_of(job->points);
  double loss = 0;
  for (int tile = 0; tile < tiles; tile++) {
    const long first = (long)tile * TILE, at = (long)signal * job->points + first;
    const int valid = job->points - first < TILE ? (int)(job->points - first) : TILE;
    const Geometry g = tile_geometry(job, d, tile);
    loss += tile_pass<PASS>(d, n, g, s.shifts, s.activations, job->targets + at * d.outputs, job->point_weights ? job->point_weights + at : nullptr, valid, scale,
                            s.adjoint, &s.tangent, sums);
  }
  return loss;
}

// Where the rates of a step begin among those of all steps.
FUNCTA_INLINE long rates_at(const Dims& d, int step) { return (long)(step < d.rate_rows ? step : d.rate_rows - 1) * d.channels; }

static void step_along(const Job* job, const Dims& d, int step, const float* phi, const float* gradient, float* out) {
  const float* rate = job->rates + rates_at(d, step);
  for (int k = 0; k < d.level_count; k++) {
    const int channels = d.grid[k].channels, offset = d.grid[k].offset;
    for (int cell = 0; cell < d.grid[k].cells; cell++)
      for (int c = 0; c < channels; c++) {
        const long i = offset + (long)cell * channels + c;
        out[i] = (phi ? phi[i] : 0.f) - rate[c] * gradient[i];
      }
    rate += channels;
  }
}

static double gradient_at(const Job* job, const Dims& d, const Net& n, Scratch& s, int signal, const float* phi, float* out) {
  map_all(d, n, phi, true, s.shifts);
  zero_shifts(d, s.adjoint);
  const double loss = signal_pass<PASS_BACKWARD>(job, d, n, s, signal, 1.f, nullptr);
  pull_all(d, n, s.adjoint, s.pulled, out);
  return loss;
}

static void adapt_signal(const Job* job, const Dims& d, const Net& n, Scratch& s, int signal) {
  const long m = job->modulation, stride = m * job->count;
  for (int step = 0; step < job->steps; step++) {
    if (is_cancelled(job)) return;
    const float* phi = job->trajectory + step * stride + signal * m;
    job->losses[(long)step * job->count + signal] = gradient_at(job, d, n, s, signal, phi, s.g);
    step_along(job, d, step, phi, s.g, job->trajectory + (step + 1) * stride + signal * m);
  }
}

static void meta_signal(const Job* job, const Dims& d, const Net& n, Scratch& s, int signal, Sums& sums) {
  const long m = job->modulation, stride = m * job->count, mine = (long)signal * m;
  const float* last = job->trajectory + job->steps * stride + mine;
  // The outer loss, at the adapted modulation plus the offset.
  for (long i = 0; i < m; i++) s.u[i] = last[i] + (job->offset ? job->offset[mine + i] : 0.f);
  map_all(d, n, s.u, true, s.shifts);
  zero_shifts(d, s.adjoint);
  job->losses[signal] = signal_pass<PASS_WEIGHTS>(job, d, n, s, signal, job->distortion_weight, &sums);
  for (int j = 0; j < d.row; j++) sums.b[j] += s.adjoint.base[j];
  add_outer(d, s.u, s.adjoint, sums);
  pull_all(d, n, s.adjoint, s.pulled, s.v);
  for (long i = 0; i < m; i++) {
    job->gradient[mine + i] = s.v[i];
    if (job->extra) s.v[i] += job->extra[mine + i];
  }
  for (int step = job->steps - 1; step >= 0; step--) {
    if (is_cancelled(job)) return;
    const float* phi = job->trajectory + step * stride + mine;
    if (job->second_order) {
      step_along(job, d, step, nullptr, s.v, s.u);
      map_all(d, n, phi, true, s.shifts);
      map_all(d, n, s.u, false, s.tangent.shifts);
      zero_shifts(d, s.adjoint);
      zero_shifts(d, s.tangent.adjoint);
      signal_pass<PASS_TANGENT>(job, d, n, s, signal, 1.f, &sums);
      for (int j = 0; j < d.row; j++) sums.b[j] += s.tangent.adjoint.base[j];
      add_outer(d, phi, s.tangent.adjoint, sums);
      add_outer(d, s.u, s.adjoint, sums);
      pull_all(d, n, s.adjoint, s.pulled, s.g);
    } else {
      gradient_at(job, d, n, s, signal, phi, s.g);
    }
    float* rates = sums.rates + rates_at(d, step);
    for (int k = 0; k < d.level_count; k++) {
      const int channels = d.grid[k].channels, offset = d.grid[k].offset;
      for (int cell = 0; cell < d.grid[k].cells; cell++)
        for (int c = 0; c < channels; c++) rates[c] -= s.v[offset + (long)cell * channels + c] * s.g[offset + (long)cell * channels + c];
      rates += channels;
    }
    if (!job->second_order) continue;
    pull_all(d, n, s.tangent.adjoint, s.pulled, s.u);
    for (long i = 0; i < m; i++) s.v[i] += s.u[i];
  }
}

#include "large.h"

static void layout_job(Job* job, const Dims& d, Arena& arena) {
  const Spec& s = job->spec;
  const bool evaluate = evaluates(job), list = job->coordinates != nullptr;
  job->prepared = arena.base ? arena.base + arena.used : nullptr;
  if (derives(job)) {
    net64_views(dims64_of(d, s), arena);
    return;
  }
  net_views(d, arena);
  int64_t table = 0;
  for (int a = 0; a < d.axes; a++) table += evaluate ? job->grid_count[a] : s.shape[a];
  job->axis_tables = list ? nullptr : arena.take(table * axis_entry_floats(s));
  job->geometry = evaluate || is_large(job) ? nullptr : arena.take((int64_t)tiles_of(job->points) * geometry_floats(d));
  job->accumulators = !evaluate && job->task == TASK_META ? arena.take(LANES * lane_floats(d)) : nullptr;
  job->grids = is_large(job) && !evaluate ? arena.take(large_floats(job, d)) : nullptr;
  job->base = evaluate ? arena.take((int64_t)job->count * d.row) : nullptr;
  job->slope_map = wants_slopes(job) ? arena.take((long)d.row * slope_columns(d)) : nullptr;
}

static int64_t job_floats(Job* job) {
  const Dims d = dims_of(job->spec);
  if (job->values && !job->coordinates) cut_boxes(job, d);
  Arena arena{nullptr};
  layout_job(job, d, arena);
  return arena.used;
}

static int64_t scratch_floats(const Job* job) {
  Arena arena{nullptr};
  scratch_views(job, dims_of(job->spec), arena);
  return arena.used;
}

static void prepare_weights(const Job* job, const Dims& d, const Net& n) {
  const Spec& s = job->spec;
  const int W = s.width, P = d.width, O = s.outputs;
  const float forward = d.w0 * QUARTER;
  // Values alone are not followed back: the transposes are a good part of what a small call copies.
  const bool backward = !evaluates(job) || wants_slopes(job);
  const float* p = job->weights;
  zero(n.base, d.row);
  for (int l = 0; l < d.layers; l++) {
    const int rows = l ? W : d.features;
    zero(n.w[l], (long)(l ? P : d.feature_row) * P);
    if (l && backward) zero(n.wt[l], (long)P * P);
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < W; j++) n.w[l][(long)i * P + j] = p[(long)i * W + j] * forward;
    for (int i = 0; l && backward && i < rows; i++)
      for (int j = 0; j < W; j++) n.wt[l][(long)j * P + i] = p[(long)i * W + j];
    p += (long)rows * W;
    for (int j = 0; j < W; j++) n.base[l * P + j] = p[j] * forward;
    p += W;
  }
  zero(n.wo, (long)O * P);
  for (int j = 0; j < W; j++)
    for (int o = 0; o < O; o++) n.wo[o * P + j] = p[j * O + o];
  p += W * O;
  for (int o = 0; o < O; o++) n.base[d.layers * P + o] = p[o];
  p += O;
  for (int k = 0; k < d.level_count; k++) {
    const int channels = d.grid[k].channels, padded = d.grid[k].channel_row;
    zero(n.m[k], (long)channels * d.row);
    if (backward) zero(n.mt[k], (long)d.row * padded);
    for (int c = 0; c < channels; c++, p += d.layers * W + O) {
      float* row = n.m[k] + (long)c * d.row;
      for (int l = 0; l < d.layers; l++)
        for (int j = 0; j < W; j++) row[l * P + j] = p[l * W + j] * forward;
      for (int o = 0; o < O; o++) row[d.layers * P + o] = p[d.layers * W + o];
      for (int l = 0; backward && l < d.layers; l++)
        for (int j = 0; j < W; j++) n.mt[k][(long)(l * P + j) * padded + c] = p[l * W + j];
      for (int o = 0; backward && o < O; o++) n.mt[k][(long)(d.layers * P + o) * padded + c] = p[d.layers * W + o];
    }
  }
}

// M^T of all levels side by side: [row, slope_columns].
static void prepare_slopes(const Job* job, const Dims& d, const Net& n) {
  const int columns = slope_columns(d);
  zero(job->slope_map, (long)d.row * columns);
  float* to = job->slope_map;
  for (int k = 0; k < d.level_count; to += d.grid[k].channels, k++)
    for (int j = 0; j < d.row; j++)
      for (int c = 0; c < d.grid[k].channels; c++) to[(long)j * columns + c] = n.mt[k][(long)j * d.grid[k].channel_row + c];
}

static void prepare(Job* job, float* block) {
  const Dims d = dims_of(job->spec);
  Arena arena{block};
  layout_job(job, d, arena);
  if (derives(job)) {
    const Dims64 e = dims64_of(d, job->spec);
    prepare_weights64(job, e, prepared64(job, e));
    return;
  }
  prepare_weights(job, d, prepared(job, d));
  if (wants_slopes(job)) prepare_slopes(job, d, prepared(job, d));
  const bool evaluate = evaluates(job);
  const int* count = evaluate ? job->grid_count : job->spec.shape;
  if (job->axis_tables) {
    float* entry = job->axis_tables;
    for (int a = 0; a < d.axes; a++)
      for (int i = 0; i < count[a]; i++, entry += axis_entry_floats(job->spec))
        axis_entry(job->spec, a, evaluate ? job->grid_start[a] + i * job->grid_step[a] : i + 0.5, entry);
  }
  if (job->geometry) {
    for (int tile = 0; tile < tiles_of(job->points); tile++) {
      const long first = (long)tile * TILE;
      Geometry g = tile_geometry(job, d, tile);
      zero(g.features, (long)TILE * d.feature_row);
      grid_geometry(job, d, count, first, job->points - first < TILE ? (int)(job->points - first) : TILE, g);
    }
  }
  if (job->base)
    for (int i = 0; i < job->count; i++) map_base(d, prepared(job, d), job->start + (long)i * job->modulation, true, job->base + (long)i * d.row);
  if (job->accumulators) zero(job->accumulators, LANES * lane_floats(d));
}

static void run_lane(const Job* job, int lane, float* scratch) {
  if (evaluates(job)) return;
  const Dims d = dims_of(job->spec);
  const Net n = prepared(job, d);
  Arena arena{scratch};
  Scratch s = scratch_views(job, d, arena);
  Sums sums{};
  if (job->task == TASK_META) sums = lane_sums(job, d, lane);
  for (int signal = lane; signal < job->count; signal += LANES) {
    if (is_cancelled(job)) return;
    if (job->task == TASK_META) meta_signal(job, d, n, s, signal, sums);
    else if (job->task == TASK_ADAPT) adapt_signal(job, d, n, s, signal);
    else job->losses[signal] = gradient_at(job, d, n, s, signal, job->start + (long)signal * job->modulation, job->gradient + (long)signal * job->modulation);
  }
}

static void finish(const Job* job) {
  if (evaluates(job) || !job->accumulators) return;
  const Dims d = dims_of(job->spec);
  const int W = job->spec.width, P = d.width, O = job->spec.outputs;
  Sums total = lane_sums(job, d, 0);
  const int64_t n = lane_floats(d);
  for (int lane = 1; lane < LANES; lane++) {
    const float* other = job->accumulators + lane * n;
    for (int64_t i = 0; i < n; i++) job->accumulators[i] += other[i];
  }
  float* p = job->weight_gradient;
  for (int l = 0; l < d.layers; l++) {
    for (int i = 0; i < (l ? W : d.features); i++)
      for (int j = 0; j < W; j++) *p++ = total.w[l][(long)i * P + j];
    for (int j = 0; j < W; j++) *p++ = total.b[l * P + j];
  }
  for (int j = 0; j < W; j++)
    for (int o = 0; o < O; o++) *p++ = total.wo[o * P + j];
  for (int o = 0; o < O; o++) *p++ = total.b[d.layers * P + o];
  for (long i = 0; i < (long)d.rate_rows * d.channels; i++) job->rate_gradient[i] = total.rates[i];
  for (int k = 0; k < d.level_count; k++)
    for (int c = 0; c < d.grid[k].channels; c++) {
      const float* row = total.m[k] + (long)c * d.row;
      for (int l = 0; l < d.layers; l++)
        for (int j = 0; j < W; j++) *p++ = row[l * P + j];
      for (int o = 0; o < O; o++) *p++ = row[d.layers * P + o];
    }
}

}  // namespace FUNCTA_ISA

const Kernels* FUNCTA_JOIN(kernels_, FUNCTA_ISA)() {
  using namespace FUNCTA_JOIN(isa_, FUNCTA_ISA);
  static const Kernels kernels = {VL, job_floats, scratch_floats, prepare, run_lane, finish, map_units, map_unit, pass_units, pass_unit, pull_unit};
  return &kernels;
}

}  // namespace functa
