// What does not depend on the instruction set: a job from what a host hands over, and whether it fits its field.
#include "field.h"

namespace functa {

// A whole number within bounds, else false: NaN, fractions and what no int holds are never converted.
static bool whole(double x, int least, int most, int* to) {
  if (!(x >= least && x <= most) || (double)(int)x != x) return false;
  *to = (int)x;
  return true;
}

static bool positive(double x) { return x > 0 && x - x == 0; }

static bool parse_level(const double* p, Level* level) {
  if (!whole(p[0], 1, MAX_CHANNELS, &level->channels) || !whole(p[1], 1, MAX_TAPS, &level->taps) || level->taps == 3 || !whole(p[2], 0, 1, &level->global))
    return false;
  for (int a = 0; a < MAX_AXES; a++) {
    level->cell[a] = p[3 + a];
    if (!positive(p[3 + a]) || !whole(p[6 + a], 1, MAX_NUMBERS, &level->cells[a])) return false;
    if (level->global && (level->cells[a] != 1 || level->taps != 1)) return false;
  }
  return true;
}

// The numbers of request.ts.
static bool parse_spec(const double* p, int64_t numbers, Spec* s) {
  *s = Spec{};
  if (!p || numbers < 16) return false;
  if (!whole(p[0], 1, MAX_AXES, &s->axes) || !whole(p[1], 1, MAX_OUTPUTS, &s->outputs) || !whole(p[2], 1, MAX_WIDTH, &s->width) ||
      !whole(p[3], 1, MAX_LAYERS, &s->layers) || !whole(p[5], 0, 1, &s->use_global) || !whole(p[6], 0, 1, &s->use_local) ||
      !whole(p[7], 0, MAX_HARMONICS, &s->harmonics) || !whole(p[8], 0, MAX_LEVELS, &s->level_count) || !whole(p[15], 1, MAX_STEPS, &s->rate_rows))
    return false;
  s->w0 = p[4];
  if (!positive(s->w0) || numbers < 16 + 9 * (int64_t)s->level_count) return false;
  for (int a = 0; a < MAX_AXES; a++) {
    s->period[a] = p[12 + a];
    if (!whole(p[9 + a], 1, MAX_NUMBERS, &s->shape[a]) || !positive(s->period[a])) return false;
  }
  const int64_t circle = 16 + 9 * (int64_t)s->level_count;
  if (numbers > circle && !whole(p[circle], 0, 1, &s->wraps)) return false;
  int channels = 0;
  for (int k = 0; k < s->level_count; k++) {
    if (!parse_level(p + 16 + 9 * k, &s->level[k])) return false;
    channels += s->level[k].channels;
    if (channels > MAX_CHANNELS) return false;
    // Whole cells go round a circle: what a box of points reads is bounded by that.
    const Level& level = s->level[k];
    const double round = level.cell[s->axes - 1] * level.cells[s->axes - 1] / s->shape[s->axes - 1];
    if (s->wraps && !level.global && !(round > 1 - 1e-12 && round < 1 + 1e-12)) return false;
  }
  return true;
}

static int64_t channels_of(const Spec& s) {
  int64_t n = 0;
  for (int k = 0; k < s.level_count; k++) n += s.level[k].channels;
  return n;
}

static int64_t weights_of(const Spec& s) {
  const int64_t features = s.axes * (s.use_global + s.use_local + 2 * s.harmonics), width = s.width, layers = s.layers;
  return features * width + (layers - 1) * width * width + layers * width + (width + 1) * s.outputs + channels_of(s) * (layers * width + s.outputs);
}

// Products of counts that one array holds are exact in a double, and larger ones stay larger.
static bool holds(double numbers) { return numbers <= MAX_NUMBERS; }

static bool sizes_fit(const Job* job) {
  const Spec& s = job->spec;
  double points = 1, modulation = 0;
  for (int a = 0; a < s.axes; a++) points *= s.shape[a];
  for (int k = 0; k < s.level_count; k++) {
    double cells = s.level[k].channels;
    for (int a = 0; a < s.axes; a++) cells *= s.level[k].cells[a];
    modulation += cells;
  }
  const double count = job->count, evaluated = count * job->evaluate_points * s.outputs;
  if (points != job->points || modulation != job->modulation || weights_of(s) > MAX_WEIGHTS) return false;
  if (!holds((double)s.rate_rows * channels_of(s))) return false;
  if (job->task == TASK_DERIVE) return job->evaluate_points >= 1 && holds(evaluated * s.axes) && holds(count * modulation);
  if (job->task != TASK_EVALUATE) return holds(count * points * s.outputs) && holds(count * modulation * (job->steps + 1)) && holds(count * (job->steps + 1));
  if (job->evaluate_points < 1 || !holds(evaluated) || !holds(count * modulation)) return false;
  if (job->slopes && !holds(evaluated * channels_of(s))) return false;
  if (job->coordinates) return true;
  double grid = 1;
  for (int a = 0; a < s.axes; a++) {
    if (job->grid_count[a] < 1 || job->grid_start[a] - job->grid_start[a] != 0 || job->grid_step[a] - job->grid_step[a] != 0) return false;
    grid *= job->grid_count[a];
  }
  return grid == job->evaluate_points;
}

// Numbers that a task reads or writes of an array.
static int64_t length_of(const Job* job, int array) {
  const int64_t points = (int64_t)job->count * job->points, m = (int64_t)job->count * job->modulation, outputs = job->spec.outputs;
  switch (array) {
    case ARRAY_WEIGHTS: case ARRAY_WEIGHT_GRADIENT: return weights_of(job->spec);
    case ARRAY_RATES: case ARRAY_RATE_GRADIENT: return job->spec.rate_rows * channels_of(job->spec);
    case ARRAY_TARGETS: return points * outputs;
    case ARRAY_POINT_WEIGHTS: return points;
    case ARRAY_START: case ARRAY_GRADIENT: case ARRAY_OFFSET: case ARRAY_EXTRA: return m;
    case ARRAY_TRAJECTORY: return m * (job->steps + 1);
    case ARRAY_LOSSES: return (int64_t)job->count * (job->task == TASK_ADAPT ? job->steps : 1);
    case ARRAY_COORDINATES: return (int64_t)job->evaluate_points * job->spec.axes;
    case ARRAY_VALUES: return job->count * (int64_t)job->evaluate_points * outputs;
    case ARRAY_SLOPES: return job->count * (int64_t)job->evaluate_points * outputs * channels_of(job->spec);
    case ARRAY_POSITIONS: return (int64_t)job->evaluate_points * job->spec.axes;
    case ARRAY_VALUES64: return job->count * (int64_t)job->evaluate_points * outputs;
    case ARRAY_SLOPES64: return job->count * (int64_t)job->evaluate_points * outputs * job->spec.axes;
    case ARRAY_CANCELLED: return 1;
    case ARRAY_GRID: return 3 * MAX_AXES;
    default: return 0;
  }
}

enum Use { UNUSED, OPTIONAL, REQUIRED };

static Use use_of(const Job* job, int array) {
  const bool adapt = job->task == TASK_ADAPT, meta = job->task == TASK_META, evaluate = job->task == TASK_EVALUATE;
  if (job->task == TASK_DERIVE) {
    switch (array) {
      case ARRAY_CANCELLED: return OPTIONAL;
      case ARRAY_WEIGHTS: case ARRAY_START: case ARRAY_POSITIONS: case ARRAY_VALUES64: case ARRAY_SLOPES64: return REQUIRED;
      default: return UNUSED;
    }
  }
  switch (array) {
    case ARRAY_DESCRIPTION: case ARRAY_CANCELLED: return OPTIONAL;
    case ARRAY_WEIGHTS: return REQUIRED;
    case ARRAY_RATES: return evaluate ? UNUSED : REQUIRED;
    case ARRAY_TARGETS: case ARRAY_LOSSES: return evaluate ? UNUSED : REQUIRED;
    case ARRAY_POINT_WEIGHTS: return evaluate ? UNUSED : OPTIONAL;
    case ARRAY_START: return adapt || meta ? UNUSED : REQUIRED;
    case ARRAY_TRAJECTORY: return adapt || meta ? REQUIRED : UNUSED;
    case ARRAY_GRADIENT: return evaluate || adapt ? UNUSED : REQUIRED;
    case ARRAY_OFFSET: case ARRAY_EXTRA: return meta ? OPTIONAL : UNUSED;
    case ARRAY_WEIGHT_GRADIENT: case ARRAY_RATE_GRADIENT: return meta ? REQUIRED : UNUSED;
    case ARRAY_COORDINATES: case ARRAY_SLOPES: return evaluate ? OPTIONAL : UNUSED;
    case ARRAY_VALUES: return evaluate ? REQUIRED : UNUSED;
    case ARRAY_GRID: return evaluate && !job->coordinates ? REQUIRED : UNUSED;
    default: return UNUSED;
  }
}

static void set_array(Job* job, int array, void* data) {
  switch (array) {
    case ARRAY_WEIGHTS: job->weights = (const float*)data; break;
    case ARRAY_RATES: job->rates = (const float*)data; break;
    case ARRAY_TARGETS: job->targets = (const float*)data; break;
    case ARRAY_POINT_WEIGHTS: job->point_weights = (const float*)data; break;
    case ARRAY_START: job->start = (const float*)data; break;
    case ARRAY_TRAJECTORY: job->trajectory = (float*)data; break;
    case ARRAY_OFFSET: job->offset = (const float*)data; break;
    case ARRAY_EXTRA: job->extra = (const float*)data; break;
    case ARRAY_LOSSES: job->losses = (double*)data; break;
    case ARRAY_GRADIENT: job->gradient = (float*)data; break;
    case ARRAY_WEIGHT_GRADIENT: job->weight_gradient = (float*)data; break;
    case ARRAY_RATE_GRADIENT: job->rate_gradient = (float*)data; break;
    case ARRAY_COORDINATES: job->coordinates = (const float*)data; break;
    case ARRAY_VALUES: job->values = (float*)data; break;
    case ARRAY_CANCELLED: job->cancelled = (const int32_t*)data; break;
    case ARRAY_SLOPES: job->slopes = (float*)data; break;
    case ARRAY_POSITIONS: job->positions = (const double*)data; break;
    case ARRAY_VALUES64: job->values64 = (double*)data; break;
    case ARRAY_SLOPES64: job->slopes64 = (double*)data; break;
    default: break;
  }
}

int make_job(Job* job, const double* numbers, const Given* arrays) {
  *job = Job{};
  int evaluate_points = 0;
  if (!parse_spec((const double*)arrays[ARRAY_DESCRIPTION].data, arrays[ARRAY_DESCRIPTION].length, &job->spec)) return ARRAY_DESCRIPTION;
  if (!whole(numbers[NUMBER_TASK], TASK_GRADIENT, TASK_DERIVE, &job->task) || !whole(numbers[NUMBER_COUNT], 1, MAX_NUMBERS, &job->count) ||
      !whole(numbers[NUMBER_POINTS], 1, MAX_NUMBERS, &job->points) || !whole(numbers[NUMBER_MODULATION], 0, MAX_NUMBERS, &job->modulation) ||
      !whole(numbers[NUMBER_STEPS], 0, MAX_STEPS, &job->steps) || !whole(numbers[NUMBER_SECOND_ORDER], 0, 1, &job->second_order) ||
      !whole(numbers[NUMBER_EVALUATE], 0, MAX_NUMBERS, &evaluate_points))
    return SIZES_AT_FAULT;
  job->distortion_weight = (float)numbers[NUMBER_WEIGHT];
  job->evaluate_points = evaluate_points;
  for (int i = 0; i < ARRAY_COUNT; i++)
    if (arrays[i].data && use_of(job, i) != UNUSED) set_array(job, i, arrays[i].data);
  if (use_of(job, ARRAY_GRID) == REQUIRED) {
    const double* grid = (const double*)arrays[ARRAY_GRID].data;
    if (!grid || arrays[ARRAY_GRID].length < 3 * MAX_AXES) return ARRAY_GRID;
    for (int a = 0; a < MAX_AXES; a++) {
      job->grid_start[a] = grid[a];
      job->grid_step[a] = grid[3 + a];
      if (!whole(grid[6 + a], 1, MAX_NUMBERS, &job->grid_count[a])) return ARRAY_GRID;
    }
  }
  if (!sizes_fit(job)) return SIZES_AT_FAULT;
  for (int i = 0; i < ARRAY_COUNT; i++) {
    const Use use = use_of(job, i);
    const int64_t length = length_of(job, i);
    if (use == UNUSED || length == 0) continue;
    if (arrays[i].data ? arrays[i].length < length : use == REQUIRED) return i;
  }
  return FITS;
}

bool is_large(const Job* job) { return job->values || job->task == TASK_DERIVE || (job->task != TASK_META && job->count == 1 && job->points >= 512); }

}  // namespace functa
