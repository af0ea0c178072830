// Threads that share the units of a round, asleep when idle. The caller works too and never waits for a thread that has not
// begun, so a round is not slower than on one thread when the other cores are taken.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace functa {

// One round at a time: the owner sees to that. Never destroyed while threads are in it.
class Pool {
 public:
  using Task = void (*)(void* context, int64_t unit, int thread);

  // Runs task(unit, thread) for every unit on at most `threads` threads; returns when all are done.
  void run(int threads, int64_t units, Task task, void* context) {
    if (units < 2 || threads < 2) {
      for (int64_t unit = 0; unit < units; unit++) task(context, unit, 0);
      return;
    }
    while ((int)workers_.size() + 1 < threads) {
      const int thread = (int)workers_.size() + 1;
      try {
        workers_.emplace_back([this, thread] { work(thread); });
      } catch (const std::system_error&) {
        break;  // no more threads to be had here: those that there are take the units
      }
    }
    units_ = units;
    threads_ = threads;
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

  template <class F>
  void run(int threads, int64_t units, const F& task) {
    run(threads, units, [](void* f, int64_t unit, int thread) { (*(const F*)f)((int)unit, thread); }, (void*)&task);
  }

 private:
  // The gate holds the number of workers inside in its low bits, whether it is open, and a count of rounds above, which
  // tells a worker an open gate it has been through from a new one. Fields of a round change only while it is closed and empty.
  static constexpr uint64_t INSIDE = 0xffff, OPEN = 0x10000, ROUND = 0x20000;
  std::atomic<uint64_t> gate_{0};
  std::atomic<int64_t> next_{0};
  int64_t units_ = 0;
  int threads_ = 1;
  Task task_ = nullptr;
  void* context_ = nullptr;

  std::mutex sleep_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;

  void share(int thread) {
    for (int64_t unit; (unit = next_.fetch_add(1, std::memory_order_relaxed)) < units_;) task_(context_, unit, thread);
  }

  void work(int thread) {
    uint64_t seen = 0;
    auto opened = [&] {
      uint64_t gate = gate_.load(std::memory_order_acquire);
      return (gate & OPEN) && (gate & ~INSIDE) != seen;
    };
    for (;;) {
      // Rounds follow each other, in a job and in a training step: look for the next for some tens of microseconds before sleeping.
      for (int spins = 0; spins < 2000 && !opened(); spins++) pause();
      if (!opened()) {
        std::unique_lock<std::mutex> lock(sleep_);
        wake_.wait(lock, opened);
      }
      uint64_t gate = gate_.load(std::memory_order_acquire);
      if (!(gate & OPEN) || (gate & ~INSIDE) == seen) continue;
      if (!gate_.compare_exchange_strong(gate, gate + 1, std::memory_order_acq_rel)) continue;
      seen = gate & ~INSIDE;
      if (thread < threads_) share(thread);
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
