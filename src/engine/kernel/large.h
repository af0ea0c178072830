// One large signal, whose points are cut into units that threads share. Included by field.cc.
// Three kinds of unit with a barrier behind each: map (modulation -> rows of shifts), pass (points -> adjoint rows), pull
// (adjoint rows -> gradient and step). The cut does not depend on the number of threads. Evaluations and derivatives have pass units alone.

FUNCTA_INLINE int cells_a_row(const Spec& s, int k) {
  int n = 1;
  for (int a = 1; a < s.axes; a++) n *= s.level[k].cells[a];
  return n;
}

struct Rows {
  int first, count;
};

// Rows of cells of level k that coordinates low..high along axis 0 interpolate.
static Rows rows_between(const Spec& s, int k, double low, double high) {
  if (is_circle(s, 0)) return {0, s.level[k].cells[0]};
  float entry[2 + 2 * MAX_HARMONICS + TAP_FLOATS * MAX_LEVELS];
  axis_entry(s, 0, low, entry);
  const int first = taps_of(s, entry, k).cell[0];
  axis_entry(s, 0, high, entry);
  return {first, taps_of(s, entry, k).cell[s.level[k].taps - 1] + 1 - first};
}

// Points [first, last) of chunk c of a gradient.
static void chunk_points(const Job* job, int chunk, long& first, long& last) {
  const long tiles = tiles_of(job->points);
  first = tiles * chunk / LANES * TILE;
  last = tiles * (chunk + 1) / LANES * TILE;
  if (last > job->points) last = job->points;
}

static Rows chunk_rows(const Job* job, int k, int chunk) {
  long first, last, points_a_row = 1;
  chunk_points(job, chunk, first, last);
  if (first >= last) return {0, 0};
  for (int a = 1; a < job->spec.axes; a++) points_a_row *= job->spec.shape[a];
  return rows_between(job->spec, k, first / points_a_row + 0.5, (last - 1) / points_a_row + 0.5);
}

// The block of a large job: mapped shifts, then one partial adjoint for each chunk, and its loss.
struct Large {
  Shifts shifts, partial[LANES];
  double* losses;
};

static Large large_views(const Job* job, const Dims& d, Arena& arena) {
  Large v{};
  const Spec& s = job->spec;
  auto rows_of = [&](int k, Rows rows) {
    const int64_t row = (int64_t)cells_a_row(s, k) * d.row;
    float* piece = arena.take(rows.count * row);
    return piece ? piece - rows.first * row : nullptr;
  };
  v.shifts.base = arena.take(d.row);
  for (int k = 0; k < d.level_count; k++)
    if (!d.grid[k].global) v.shifts.cell[k] = rows_of(k, {0, job->spec.level[k].cells[0]});
  v.losses = (double*)arena.take(2 * LANES);
  for (int chunk = 0; chunk < LANES; chunk++) {
    v.partial[chunk].base = arena.take(d.row);
    for (int k = 0; k < d.level_count; k++)
      if (!d.grid[k].global) v.partial[chunk].cell[k] = rows_of(k, chunk_rows(job, k, chunk));
  }
  return v;
}

static int64_t large_floats(const Job* job, const Dims& d) {
  Arena arena{nullptr};
  large_views(job, d, arena);
  return arena.used;
}

static Large large_of(const Job* job, const Dims& d) {
  Arena arena{job->grids};
  return large_views(job, d, arena);
}

// A unit of map and pull: unit 0 is the base row and the global levels, the others are blocks of cells.
struct CellBlock {
  int level, first, count;
};

static CellBlock cell_block(const Job* job, const Dims& d, int unit) {
  unit--;
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    const int cells = d.grid[k].cells, blocks = pieces(cells, CELL_BLOCK);
    if (unit < blocks) {
      const int first = unit * CELL_BLOCK;
      return {k, first, cells - first < CELL_BLOCK ? cells - first : CELL_BLOCK};
    }
    unit -= blocks;
  }
  return {-1, 0, 0};
}

static int map_units(const Job* job) {
  if (evaluates(job) || derives(job)) return 0;
  const Dims d = dims_of(job->spec);
  int units = 1;
  for (int k = 0; k < d.level_count; k++)
    if (!d.grid[k].global) units += pieces(d.grid[k].cells, CELL_BLOCK);
  return units;
}

static const float* modulation_at(const Job* job, int step) {
  return job->trajectory ? job->trajectory + (long)step * job->modulation : job->start;
}

static void map_unit(const Job* job, int unit, int step, float*) {
  if (evaluates(job) || is_cancelled(job)) return;
  const Dims d = dims_of(job->spec);
  const Net n = prepared(job, d);
  const Large v = large_of(job, d);
  const float* phi = modulation_at(job, step);
  if (unit == 0) {
    map_base(d, n, phi, true, v.shifts.base);
    return;
  }
  const CellBlock b = cell_block(job, d, unit);
  map_rows(d, n, b.level, phi, b.first, b.count, v.shifts.cell[b.level] + (long)b.first * d.row);
}

static bool all_zero(const float* weight, int count) {
  for (int t = 0; t < count; t++)
    if (weight[t] != 0) return false;
  return true;
}

static int pass_units(const Job* job) { return evaluates(job) ? evaluate_units(job) : derives(job) ? derive_units(job) : LANES; }

static void pass_unit(const Job* job, int unit, float* scratch) {
  if (is_cancelled(job)) return;
  const Dims d = dims_of(job->spec);
  Arena arena{scratch};
  Scratch s = scratch_views(job, d, arena);
  if (derives(job)) {
    const Dims64 e = dims64_of(d, job->spec);
    derive_unit(job, d, e, prepared64(job, e), s.derivation, unit);
    return;
  }
  const Net n = prepared(job, d);
  if (evaluates(job)) {
    evaluate_unit(job, d, n, s.evaluation, unit);
    return;
  }
  const Large v = large_of(job, d);
  const Shifts& partial = v.partial[unit];
  zero(partial.base, d.row);
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    const Rows rows = chunk_rows(job, k, unit);
    const long row = (long)cells_a_row(job->spec, k) * d.row;
    zero(partial.cell[k] + rows.first * row, rows.count * row);
  }
  long first, last;
  chunk_points(job, unit, first, last);
  double loss = 0;
  zero(s.geometry.features, (long)TILE * d.feature_row);
  for (; first < last; first += TILE) {
    if (is_cancelled(job)) return;
    const int valid = last - first < TILE ? (int)(last - first) : TILE;
    if (job->point_weights && all_zero(job->point_weights + first, valid)) continue;  // the margin of a window
    grid_geometry(job, d, job->spec.shape, first, valid, s.geometry);
    loss += tile_pass<PASS_BACKWARD>(d, n, s.geometry, v.shifts, s.activations, job->targets + first * d.outputs,
                                     job->point_weights ? job->point_weights + first : nullptr, valid, 1.f, partial, nullptr, nullptr);
  }
  v.losses[unit] = loss;
}

static void pull_unit(const Job* job, int unit, int step, float* scratch) {
  if (evaluates(job) || is_cancelled(job)) return;
  const Dims d = dims_of(job->spec);
  const Net n = prepared(job, d);
  const Large v = large_of(job, d);
  Arena arena{scratch};
  Scratch s = scratch_views(job, d, arena);
  float *rows = s.g, *pulled = s.g + (long)CELL_BLOCK * d.row;
  const float* phi = modulation_at(job, step);
  const float* rate = job->task == TASK_ADAPT ? job->rates + rates_at(d, step) : job->rates;
  auto emit = [&](int k, int first, int count) {
    pull_rows(d, n, k, rows, count, s.pulled, pulled);
    const int channels = d.grid[k].channels;
    const long at = d.grid[k].offset + (long)first * channels;
    float* out = job->task == TASK_ADAPT ? job->trajectory + (long)(step + 1) * job->modulation : job->gradient;
    for (long i = 0; i < (long)count * channels; i++) out[at + i] = job->task == TASK_ADAPT ? phi[at + i] - rate[i % channels] * pulled[i] : pulled[i];
  };
  if (unit == 0) {
    double loss = 0;
    zero(rows, d.row);
    for (int chunk = 0; chunk < LANES; chunk++) {
      loss += v.losses[chunk];
      for (int j = 0; j < d.row; j++) rows[j] += v.partial[chunk].base[j];
    }
    job->losses[job->task == TASK_ADAPT ? step : 0] = loss;
    for (int k = 0; k < d.level_count; k++, rate += d.grid[k - 1].channels)
      if (d.grid[k].global) emit(k, 0, 1);
    return;
  }
  const CellBlock b = cell_block(job, d, unit);
  for (int k = 0; k < b.level; k++) rate += d.grid[k].channels;
  zero(rows, (long)b.count * d.row);
  for (int chunk = 0; chunk < LANES; chunk++) {
    const Rows r = chunk_rows(job, b.level, chunk);
    const int row = cells_a_row(job->spec, b.level), low = r.first * row, high = low + r.count * row;
    for (int cell = b.first; cell < b.first + b.count; cell++) {
      if (cell < low || cell >= high) continue;
      const float* from = v.partial[chunk].cell[b.level] + (long)cell * d.row;
      float* to = rows + (long)(cell - b.first) * d.row;
      for (int j = 0; j < d.row; j++) to[j] += from[j];
    }
  }
  emit(b.level, b.first, b.count);
}
