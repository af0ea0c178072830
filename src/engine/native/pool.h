// Threads that share the units of a phase. One job runs at a time; the caller works too.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace functa {

class Pool {
 public:
  ~Pool() { resize(1); }

  // Runs task(unit, thread) for every unit on `threads` threads; returns when all are done.
  void run(int threads, int units, const std::function<void(int, int)>& task) {
    if (threads > units) threads = units;
    if (threads <= 1) {
      for (int unit = 0; unit < units; unit++) task(unit, 0);
      return;
    }
    if ((int)workers.size() + 1 < threads) resize(threads);
    {
      std::lock_guard<std::mutex> lock(mutex);
      work = &task;
      unit_count = units;
      wanted = threads - 1;
      next.store(0);
      pending.store(threads - 1);
      generation.fetch_add(1);
    }
    wake.notify_all();
    share(0);
    while (pending.load(std::memory_order_acquire) > 0) pause();
  }

 private:
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<unsigned> generation{0};
  std::atomic<int> next{0}, pending{0};
  const std::function<void(int, int)>* work = nullptr;
  int unit_count = 0, wanted = 0;
  bool stopping = false;

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
  }

  void share(int thread) {
    for (int unit; (unit = next.fetch_add(1)) < unit_count;) (*work)(unit, thread);
  }

  void loop(int thread, unsigned seen) {
    for (;;) {
      // Phases of one job follow each other within microseconds: look a while before sleeping.
      for (int spin = 0; spin < 4000 && generation.load(std::memory_order_acquire) == seen; spin++) pause();
      bool mine;
      {
        std::unique_lock<std::mutex> lock(mutex);
        wake.wait(lock, [&] { return generation.load() != seen; });
        seen = generation.load();
        if (stopping) return;
        mine = thread <= wanted;
      }
      if (!mine) continue;
      share(thread);
      pending.fetch_sub(1, std::memory_order_release);
    }
  }

  void resize(int threads) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
      generation.fetch_add(1);
    }
    wake.notify_all();
    for (auto& worker : workers) worker.join();
    workers.clear();
    stopping = false;
    for (int thread = 1; thread < threads; thread++) workers.emplace_back(&Pool::loop, this, thread, generation.load());
  }
};

}  // namespace functa
