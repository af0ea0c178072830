// The threads behind the dense kernels: one pool a process, asleep when idle. The caller works too and never waits for
// a thread that has not begun, so a kernel is not slower than on one thread when the other cores are taken.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "../kernel/dense.h"

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
  // The gate holds the number of workers inside in its low bits, whether it is open, and a count of rounds above, which
  // tells a worker an open gate it has been through from a new one. Fields of a round change only while it is closed and empty.
  static constexpr uint64_t INSIDE = 0xffff, OPEN = 0x10000, ROUND = 0x20000;
  std::atomic<uint64_t> gate_{0};
  std::atomic<int64_t> next_{0};
  int64_t tasks_ = 0;
  DenseTask task_ = nullptr;
  void* context_ = nullptr;

  std::mutex owner_, sleep_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;

  static float* scratchOf(DensePool*, int, int slot, int64_t floats) {
    static thread_local Scratch slots[2];
    return slots[slot].need(floats);
  }

  static void runTasks(DensePool* base, int64_t tasks, DenseTask task, void* context) {
    DenseThreads* pool = static_cast<DenseThreads*>(base);
    std::unique_lock<std::mutex> owner(pool->owner_, std::defer_lock);
    // Busy: another worker_thread of Node is in a kernel. This one goes alone.
    if (tasks <= 1 || pool->threads <= 1 || !owner.try_lock()) {
      for (int64_t i = 0; i < tasks; i++) task(context, i, 0);
      return;
    }
    while ((int)pool->workers_.size() + 1 < pool->threads) {
      int worker = (int)pool->workers_.size() + 1;
      pool->workers_.emplace_back([pool, worker] { pool->work(worker); });
    }
    pool->round(tasks, task, context);
  }

  void round(int64_t tasks, DenseTask task, void* context) {
    tasks_ = tasks;
    task_ = task;
    context_ = context;
    next_.store(0, std::memory_order_relaxed);
    {
      std::lock_guard<std::mutex> lock(sleep_);
      gate_.store((gate_.load(std::memory_order_relaxed) & ~(INSIDE | OPEN)) + ROUND + OPEN, std::memory_order_release);
    }
    wake_.notify_all();
    share(0);
    gate_.fetch_and(~OPEN, std::memory_order_acq_rel);
    for (int spins = 0; gate_.load(std::memory_order_acquire) & INSIDE; spins++)
      if (spins < 20000) pause();
      else std::this_thread::yield();
  }

  void share(int worker) {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;) task_(context_, i, worker);
  }

  void work(int worker) {
    uint64_t seen = 0;
    auto opened = [&] {
      uint64_t gate = gate_.load(std::memory_order_acquire);
      return (gate & OPEN) && (gate & ~INSIDE) != seen;
    };
    for (;;) {
      // A training step calls many kernels in a row: look for the next for some tens of microseconds before sleeping.
      for (int spins = 0; spins < 2000 && !opened(); spins++) pause();
      if (!opened()) {
        std::unique_lock<std::mutex> lock(sleep_);
        wake_.wait(lock, opened);
      }
      uint64_t gate = gate_.load(std::memory_order_acquire);
      if (!(gate & OPEN) || (gate & ~INSIDE) == seen) continue;
      if (!gate_.compare_exchange_strong(gate, gate + 1, std::memory_order_acq_rel)) continue;
      seen = gate & ~INSIDE;
      if (worker < threads) share(worker);
      gate_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
};

}  // namespace functa
