// The threads behind the dense kernels, and the memory that each keeps: one pool a process.
#pragma once
#include <cstdlib>
#include <mutex>
#include <new>

#include "../kernel/dense.h"
#include "pool.h"

namespace functa {

// 64-byte aligned memory of one thread, kept for its next kernel.
class Scratch {
 public:
  ~Scratch() { free(data_); }
  float* need(int64_t floats) {
    if (floats <= size_) return data_;
    free(data_);
    size_ = (floats + 1023) / 1024 * 1024;
    data_ = (float*)aligned_alloc(64, size_ * sizeof(float));
    if (!data_) size_ = 0, throw std::bad_alloc();
    return data_;
  }

 private:
  float* data_ = nullptr;
  int64_t size_ = 0;
};

class DenseThreads : public DensePool {
 public:
  explicit DenseThreads(int count) : DensePool{count, runTasks, scratchOf} {}

 private:
  Pool pool_;
  std::mutex owner_;

  static float* scratchOf(DensePool*, int, int slot, int64_t floats) {
    static thread_local Scratch slots[2];
    return slots[slot].need(floats);
  }

  static void runTasks(DensePool* base, int64_t tasks, DenseTask task, void* context) {
    DenseThreads* self = static_cast<DenseThreads*>(base);
    std::unique_lock<std::mutex> owner(self->owner_, std::defer_lock);
    // Busy: another worker_thread of Node is in a kernel. This one goes alone.
    const bool alone = tasks < 2 || self->threads < 2 || !owner.try_lock();
    self->pool_.run(alone ? 1 : self->threads, tasks, task, context);
  }
};

}  // namespace functa
