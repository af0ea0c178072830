// Evaluation of one or many modulations, on a grid or at a list of points, as units that threads share.
#pragma once
#include "evaluate-grid.h"
#include "evaluate-list.h"

namespace functa {

// The scratch of one thread.
struct Evaluation {
  Outcome outcome;
  Lines lines;
  List list;
};

static Evaluation evaluation_views(const Job* job, const Dims& d, Arena& arena) {
  Evaluation e{};
  e.outcome = outcome_views(job, d, arena);
  if (job->coordinates) e.list = list_views(job, d, arena);
  else e.lines = lines_views(job, d, arena);
  return e;
}

static int evaluate_units(const Job* job) { return job->coordinates ? list_units(job) : grid_boxes(job) * job->count; }

static void evaluate_unit(const Job* job, const Dims& d, const Net& n, Evaluation& e, int unit) {
  if (job->coordinates) list_unit(job, d, n, e.list, e.outcome, unit);
  else grid_unit(job, d, n, e.lines, e.outcome, unit);
}

}  // namespace functa
