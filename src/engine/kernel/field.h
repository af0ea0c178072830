// What the hosts (the addon, the wasm module) know of the kernel: a field's description, a job, and the entry points of
// one instruction set. Layouts inside a job's scratch memory depend on the vector length, so the kernel sizes them.
#pragma once
#include <stdint.h>

namespace functa {

// How large a field may be: what src/field/limits.ts says, and no array here has room for more.
constexpr int MAX_AXES = 3, MAX_LEVELS = 8, MAX_LAYERS = 16, MAX_OUTPUTS = 4096, MAX_WIDTH = 4096, MAX_HARMONICS = 64;
constexpr int MAX_CHANNELS = 16384;  // of all levels together
constexpr int MAX_WEIGHTS = 1 << 26;
constexpr int MAX_TAPS = 4;
// Inner steps of a job; numbers of one array.
constexpr int MAX_STEPS = 1 << 20, MAX_NUMBERS = 0x7fffffff;
// A batch is dealt to this many lanes whatever the number of threads, so sums have one order.
constexpr int LANES = 8;

struct Level {
  int channels, taps, global;  // taps: cells along an axis that make up a value (1, 2, 4); global: one cell for the whole signal
  int cells[MAX_AXES];
  double cell[MAX_AXES];
};

struct Spec {
  int axes, outputs, width, layers, use_global, use_local, harmonics, level_count;
  int rate_rows;            // of inner rates: a step reads its own, steps beyond the last read the last
  int wraps;                // whether the last axis is a circle: a whole number of cells and of periods goes round
  double w0;
  int shape[MAX_AXES];
  double period[MAX_AXES];  // of the coordinate features
  Level level[MAX_LEVELS];
};

// What a job asks for.
enum Task { TASK_GRADIENT, TASK_ADAPT, TASK_META, TASK_EVALUATE, TASK_DERIVE };

// Arrays are the caller's, in the layouts of engine.ts; `prepared`, `axis_tables`, `geometry`, `accumulators` come from a
// block of `job_floats` floats.
struct Job {
  Spec spec;
  int task, count, points, modulation, steps, second_order;
  float distortion_weight;
  const float *weights, *rates, *targets, *point_weights;  // rates: [rate_rows, channels]
  const float* start;                                     // gradient, adapt: [count, m] or null
  float* trajectory;                                      // adapt: out; meta: in
  const float *offset, *extra;                            // meta: [count, m] or null
  double* losses;                                         // [steps, count] or [count]
  float* gradient;                                        // gradient: out [count, m]; meta: `modulations`
  float *weight_gradient, *rate_gradient;                 // meta: out
  // Evaluate: `count` modulations from `start`, on a grid (start, step, count per axis) or at a list of coordinates;
  // values [count, evaluate_points, outputs].
  const float* coordinates;
  double grid_start[MAX_AXES], grid_step[MAX_AXES];
  int grid_count[MAX_AXES];
  long evaluate_points;
  float* values;
  float* slopes;                                          // null, or out: df/du [count, channels, evaluate_points, outputs]
  // Derive: `count` modulations from `start` at positions [evaluate_points, axes]; values [count, evaluate_points, outputs], slopes by
  // the coordinates [count, evaluate_points, outputs, axes]
  const double* positions;
  double *values64, *slopes64;
  const volatile int32_t* cancelled;                      // null or a flag
  // Laid out by the kernel.
  float *prepared, *axis_tables, *geometry, *accumulators, *grids, *base, *slope_map;
  int box[MAX_AXES];                                      // evaluate: points of a unit along each axis
};

// Whoever asked wants no answer any more: what a job has not done yet, it leaves.
inline bool is_cancelled(const Job* job) { return job->cancelled && *job->cancelled; }

struct Kernels {
  int vector_lanes;
  // Floats of the job's own block (this also cuts the job into units), then of the scratch each thread brings.
  int64_t (*job_floats)(Job*);
  int64_t (*scratch_floats)(const Job*);
  // Lays the block out, pads and scales the weights, builds the geometry. Before any lane runs.
  void (*prepare)(Job*, float* block);
  // All signals of one lane. Lanes of one job may run on different threads.
  void (*run_lane)(const Job*, int lane, float* scratch);
  // Adds the lanes up, in order, into the caller's arrays. After all lanes ran.
  void (*finish)(const Job*);
  // One large signal (gradient and adapt with count 1, evaluate): units of three kinds, each with a barrier behind it.
  int (*map_units)(const Job*);
  void (*map_unit)(const Job*, int unit, int step, float* scratch);     // modulation -> grids of shifts
  int (*pass_units)(const Job*);
  void (*pass_unit)(const Job*, int unit, float* scratch);              // points -> loss and its adjoint, or values
  void (*pull_unit)(const Job*, int unit, int step, float* scratch);    // adjoint -> gradient -> next modulation
};

// The arrays of a job, in the order of `arrays` in wasm/memory.ts.
enum Array {
  ARRAY_DESCRIPTION, ARRAY_WEIGHTS, ARRAY_RATES, ARRAY_TARGETS, ARRAY_POINT_WEIGHTS, ARRAY_START, ARRAY_TRAJECTORY, ARRAY_OFFSET, ARRAY_EXTRA,
  ARRAY_LOSSES, ARRAY_GRADIENT, ARRAY_WEIGHT_GRADIENT, ARRAY_RATE_GRADIENT, ARRAY_COORDINATES, ARRAY_VALUES, ARRAY_CANCELLED, ARRAY_GRID,
  ARRAY_SLOPES, ARRAY_POSITIONS, ARRAY_VALUES64, ARRAY_SLOPES64, ARRAY_COUNT
};

// An array of the caller's and how many numbers it has; null where it was not given.
struct Given {
  void* data;
  int64_t length;
};

// Numbers of a request as they came, in the order of `numbers` in wasm/memory.ts.
enum Number { NUMBER_TASK, NUMBER_COUNT, NUMBER_POINTS, NUMBER_MODULATION, NUMBER_STEPS, NUMBER_SECOND_ORDER, NUMBER_WEIGHT, NUMBER_EVALUATE, NUMBERS };

// What is wrong with a request: nothing, its sizes or description, or the array `fault`.
constexpr int FITS = ARRAY_COUNT, SIZES_AT_FAULT = -1;

// Makes the job, or says what does not fit: a field above the limits, sizes that are not those of the field, an array that is
// missing or too short. Hosts check their arguments before (check.ts); this is the second line, behind which nothing is out of bounds.
int make_job(Job* job, const double* numbers, const Given* arrays);
// Whether the job is one signal whose points are shared out (map, pass, pull), rather than a batch whose signals are.
bool is_large(const Job* job);

}  // namespace functa
