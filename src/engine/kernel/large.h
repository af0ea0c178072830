// One large signal, or one evaluation: its points are cut into units that threads share. Included by field.cc.
// Three kinds of unit with a barrier behind each: map (modulation -> rows of shifts), pass (points -> adjoint rows or
// values), pull (adjoint rows -> gradient and step). The cut does not depend on the number of threads.

constexpr long EVALUATE_UNIT = 128 * TILE;

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
  float entry[8 + 2 * 64 + 3 * MAX_LEVELS];
  const int at = s.use_global + s.use_local + 2 * s.harmonics + 3 * k;
  axis_entry(s, 0, low, entry);
  const int first = ((int32_t*)entry)[at];
  axis_entry(s, 0, high, entry);
  return {first, ((int32_t*)entry)[at + 1] + 1 - first};
}

static void find_rows(Job* job, const Dims& d) {
  const Spec& s = job->spec;
  double low = 0.5, high = s.shape[0] - 0.5;
  if (job->values && job->coordinates) {
    low = high = job->evaluate_points ? job->coordinates[0] : 0;
    for (long i = 1; i < job->evaluate_points; i++) {
      const double x = job->coordinates[i * s.axes];
      low = x < low ? x : low;
      high = x > high ? x : high;
    }
  } else if (job->values) {
    const double first = job->grid_start[0], last = job->grid_start[0] + (job->grid_count[0] - 1) * job->grid_step[0];
    low = first < last ? first : last;
    high = first < last ? last : first;
  }
  for (int k = 0; k < d.level_count; k++) {
    const Rows rows = rows_between(s, k, low, high);
    job->first_row[k] = rows.first;
    job->row_count[k] = rows.count;
  }
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

// The block of a large job: mapped shifts, then for gradients one partial adjoint for each chunk, and its loss.
struct Large {
  Shifts shifts, partial[LANES];
  double* losses;
};

static Large large_views(const Job* job, const Dims& d, Arena& arena) {
  Large v{};
  const Spec& s = job->spec;
  auto rows_of = [&](int k, Rows rows) {
    const long row = (long)cells_a_row(s, k) * d.row;
    float* piece = arena.take(rows.count * row);
    return piece ? piece - rows.first * row : nullptr;
  };
  v.shifts.base = arena.take(d.row);
  for (int k = 0; k < d.level_count; k++)
    if (!d.grid[k].global) v.shifts.cell[k] = rows_of(k, {job->first_row[k], job->row_count[k]});
  if (job->values) return v;
  v.losses = (double*)arena.take(2 * LANES);
  for (int chunk = 0; chunk < LANES; chunk++) {
    v.partial[chunk].base = arena.take(d.row);
    for (int k = 0; k < d.level_count; k++)
      if (!d.grid[k].global) v.partial[chunk].cell[k] = rows_of(k, chunk_rows(job, k, chunk));
  }
  return v;
}

static long large_floats(const Job* job, const Dims& d) {
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
    const int row = cells_a_row(job->spec, k), cells = job->row_count[k] * row, blocks = (cells + CELL_BLOCK - 1) / CELL_BLOCK;
    if (unit < blocks) {
      const int first = unit * CELL_BLOCK;
      return {k, job->first_row[k] * row + first, cells - first < CELL_BLOCK ? cells - first : CELL_BLOCK};
    }
    unit -= blocks;
  }
  return {-1, 0, 0};
}

static int map_units(const Job* job) {
  const Dims d = dims_of(job->spec);
  int units = 1;
  for (int k = 0; k < d.level_count; k++)
    if (!d.grid[k].global) units += (job->row_count[k] * cells_a_row(job->spec, k) + CELL_BLOCK - 1) / CELL_BLOCK;
  return units;
}

static const float* modulation_at(const Job* job, int step) {
  return job->trajectory ? job->trajectory + (long)step * job->modulation : job->start;
}

static void map_unit(const Job* job, int unit, int step, float*) {
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

// A line is long enough to be interpolated as a whole if a tile touches no more lines than there are slots.
static bool whole_lines(const Job* job) {
  return !job->coordinates && job->spec.axes > 1 && job->grid_count[job->spec.axes - 1] * (LINE_SLOTS - 2) >= TILE;
}

// Units of an evaluation: some whole lines, or a piece of a long one.
struct Units {
  long points, pieces;  // points a unit; units a line where a line is cut, else 0
};

static Units units_of(const Job* job) {
  if (!whole_lines(job)) return {EVALUATE_UNIT, 0};
  const long line = job->grid_count[job->spec.axes - 1];
  if (line > 2 * EVALUATE_UNIT) return {EVALUATE_UNIT, (line + EVALUATE_UNIT - 1) / EVALUATE_UNIT};
  return {line * (line < EVALUATE_UNIT ? EVALUATE_UNIT / line : 1), 0};
}

static int pass_units(const Job* job) {
  if (!job->values) return LANES;
  const Units u = units_of(job);
  if (u.pieces) return (int)(job->evaluate_points / job->grid_count[job->spec.axes - 1] * u.pieces);
  return (int)((job->evaluate_points + u.points - 1) / u.points);
}

static void evaluate_unit(const Job* job, const Dims& d, const Net& n, const Large& v, Scratch& s, int unit) {
  const Spec& spec = job->spec;
  const Units u = units_of(job);
  const long line_points = job->coordinates ? 1 : job->grid_count[d.axes - 1];
  const long from = u.pieces ? unit / u.pieces * line_points + unit % u.pieces * u.points : unit * u.points;
  const long limit = u.pieces ? (unit / u.pieces + 1) * line_points : job->evaluate_points;
  const long end = from + u.points < limit ? from + u.points : limit;
  const int entry_floats = axis_entry_floats(spec), last = d.axes - 1;
  const bool lines = whole_lines(job);
  Lines& l = s.lines;
  int row_count = 0;
  for (int k = 0; k < d.level_count; k++) row_count += d.grid[k].global ? 0 : d.grid[k].corners == 1 ? 1 : 2;
  zero(s.geometry.features, (long)TILE * d.feature_row);

  long table[MAX_AXES] = {0, 0, 0}, at = from;
  int index[MAX_AXES] = {0, 0, 0};
  for (int a = last; !job->coordinates && a >= 0; a--) {
    index[a] = (int)(at % job->grid_count[a]);
    at /= job->grid_count[a];
    for (int b = 0; b < a; b++) table[a] += job->grid_count[b];
  }
  long line = from / line_points;
  for (int k = 0; lines && k < d.level_count; k++) {
    // Cells along the last axis that this unit reads; whichever way the grid runs.
    const int column = index[last], until = u.pieces ? column + (int)(end - from) : (int)line_points;
    const float* one = job->axis_tables + (table[last] + (u.pieces ? column : 0)) * entry_floats;
    const float* other = job->axis_tables + (table[last] + until - 1) * entry_floats;
    const int cell = spec.use_global + spec.use_local + 2 * spec.harmonics + 3 * k;
    const int a = ((const int32_t*)one)[cell], b = ((const int32_t*)other)[cell];
    const int c = ((const int32_t*)one)[cell + 1], e = ((const int32_t*)other)[cell + 1];
    l.first[k] = a < b ? a : b;
    l.count[k] = (c > e ? c : e) + 1 - l.first[k];
  }

  for (long first = from; first < end; first += TILE) {
    const int valid = end - first < TILE ? (int)(end - first) : TILE;
    for (int t = 0; t < valid; t++) {
      const float* entry[MAX_AXES];
      for (int a = 0; a < d.axes; a++) {
        if (job->coordinates) {
          float* own = l.entries + ((long)t * d.axes + a) * entry_floats;
          axis_entry(spec, a, job->coordinates[(first + t) * d.axes + a], own);
          entry[a] = own;
        } else {
          entry[a] = job->axis_tables + (table[a] + index[a]) * entry_floats;
        }
      }
      const int slot = lines ? (int)(line % LINE_SLOTS) : -1;
      if (lines && l.line[slot] != line) {
        for (int k = 0; k < d.level_count; k++)
          if (!d.grid[k].global) blend_line(spec, d, v.shifts, k, entry, l.first[k], l.count[k], l.slot[slot][k] + (long)l.first[k] * d.row);
        l.line[slot] = line;
      }
      point_features(spec, d, entry, s.geometry.features + t * d.feature_row);
      point_rows(spec, d, v.shifts, l, t, slot, entry);
      if (job->coordinates) continue;
      for (int a = last; a >= 0 && ++index[a] == job->grid_count[a]; a--) {
        index[a] = 0;
        if (a == last) line++;
      }
    }
    // The rest of the tile repeats a point and is not read.
    for (int t = valid; t < TILE; t++) l.rows[t] = l.rows[0];
    const LineGather values{l.rows, row_count, v.shifts.base};
    tile_forward<PASS_FORWARD>(d, n, s.geometry.features, values, values, s.activations);
    for (int t = 0; t < valid; t++)
      for (int o = 0; o < d.outputs; o++) job->values[(first + t) * d.outputs + o] = s.activations.out[t * d.out_columns + o];
  }
}

static void pass_unit(const Job* job, int unit, float* scratch) {
  if (job->cancelled && *job->cancelled) return;
  const Dims d = dims_of(job->spec);
  const Net n = prepared(job, d);
  const Large v = large_of(job, d);
  Arena arena{scratch};
  Scratch s = scratch_views(job, d, arena);
  if (job->values) {
    evaluate_unit(job, d, n, v, s, unit);
    return;
  }
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
    const int valid = last - first < TILE ? (int)(last - first) : TILE;
    grid_geometry(job, d, job->spec.shape, first, valid, s.geometry);
    loss += tile_pass<PASS_BACKWARD>(d, n, s.geometry, v.shifts, s.activations, job->targets + first * d.outputs,
                                     job->point_weights ? job->point_weights + first : nullptr, valid, 1.f, partial, nullptr, nullptr);
  }
  v.losses[unit] = loss;
}

static void pull_unit(const Job* job, int unit, int step, float* scratch) {
  const Dims d = dims_of(job->spec);
  const Net n = prepared(job, d);
  const Large v = large_of(job, d);
  Arena arena{scratch};
  Scratch s = scratch_views(job, d, arena);
  float *rows = s.g, *pulled = s.g + (long)CELL_BLOCK * d.row;
  const float* phi = modulation_at(job, step);
  const float* rate = job->rates;
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
