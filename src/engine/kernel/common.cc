// What does not depend on the instruction set.
#include "field.h"

namespace functa {

Spec parse_spec(const double* p) {
  Spec s{};
  s.axes = (int)p[0];
  s.outputs = (int)p[1];
  s.width = (int)p[2];
  s.layers = (int)p[3];
  s.w0 = p[4];
  s.use_global = (int)p[5];
  s.use_local = (int)p[6];
  s.harmonics = (int)p[7];
  s.level_count = (int)p[8];
  for (int a = 0; a < MAX_AXES; a++) {
    s.shape[a] = (int)p[9 + a];
    s.period[a] = p[12 + a];
  }
  s.rate_rows = (int)p[15];
  p += 16;
  for (int k = 0; k < s.level_count; k++, p += 9) {
    Level& level = s.level[k];
    level.channels = (int)p[0];
    level.taps = (int)p[1];
    level.global = (int)p[2];
    for (int a = 0; a < MAX_AXES; a++) {
      level.cell[a] = p[3 + a];
      level.cells[a] = (int)p[6 + a];
    }
  }
  return s;
}

bool is_large(const Job* job) { return job->values || (job->task != TASK_META && job->count == 1 && job->points >= 512); }

}  // namespace functa
