// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is measured: products in 8 and 4 bits and in floats beside their peers, one row of x, packing, two threads, the
// other instruction sets, and the limits of the machine.
#include <dyadic/core/thread_pool.hpp>

#include <cstdio>
#include <thread>

#include "harness/threads.hpp"
#include "kernels/packings.hpp"
#include "kernels/products.hpp"
#include "peers/list.hpp"
#include "report/report.hpp"
#include "report/turns.hpp"

namespace report {

namespace {

using harness::index_t, harness::shape;

/// The shapes of the products with 4-bit weights.
constexpr shape four_bit_shapes[] = {{1, 4096, 4096},    {4, 4096, 4096},   {16, 4096, 4096}, {128, 4096, 4096},
                                     {512, 4096, 4096},  {1, 11008, 4096},  {4, 11008, 4096}, {16, 11008, 4096},
                                     {128, 11008, 4096}, {512, 11008, 4096}};
/// Those of products.cpp that there are.
constexpr const char* four_bit_types[] = {"u8s4g32f32",    "u8s4g128f32",     "dyn8s4g32f32",
                                          "dyn8s4g128f32", "dyn8g32s4g32f32", "f32s4g32f32",
                                          "f32s4g128f32"};

/// One row of x whose weights, 128 MB, are far from any cache.
constexpr shape in_memory{1, 32768, 4096};

class suite {
 public:
  explicit suite(const settings& s) : settings_(s), isa_(dyadic::active_isa()) {
    codes_ = add("INT8, requantized with zero points, scales a row and bias");
    sums_ = add("INT8, exact int32 sums");
    four_ = add("INT4 weights, dequantized",
                "no peer here has INT4: the best of their INT8 and float products of the same shape");
    vector_ = add("One row of x, GB/s of weights as this library keeps them",
                  "peers' rates are those of the same bytes, so that the ratio is one of times");
    floats_ = add("float32");
    packs_ =
        add("Packing, GB/s of the codes read",
            "ours with allocation, row sums and overflow proof; oneDNN's reorder of the INT8 matrix into memory that "
            "is there, as if it had read as many bytes");
    threads_ = add("Two threads, by the clock on the wall", "peak: of both cores together; the peer is one thread");
    isas_ = add("Other instruction sets of this machine, alone");
    at(threads_).with_mean = at(isas_).with_mean = false;
  }

  results run() {
    done_.machine = describe_machine(isa_);
    peaks();  // before, and again after: the better counts
    if (wanted("products")) products();
    if (wanted("int4")) four_bits();
    if (wanted("memory")) beyond_caches();
    if (wanted("pack")) packing();
    if (wanted("threads")) threads();
    if (wanted("isas")) other_isas();
    harness::measure_peaks_again();
    harness::measure_bandwidths_again();
    peaks();
    for (section& one : done_.sections)
      for (row& r : one.rows) compare_with_limits(r);
    std::erase_if(done_.sections, [](const section& s) { return s.rows.empty(); });
    return std::move(done_);
  }

 private:
  bool wanted(const char* part) const { return settings_.only.empty() || settings_.only == part; }

  std::size_t add(const char* title, const char* note = "") {
    done_.sections.push_back({title, note});
    return done_.sections.size() - 1;
  }
  section& at(std::size_t i) { return done_.sections[i]; }

  void progress(const char* part, std::size_t i, std::size_t n, const std::string& what) {
    now_ = what;
    const int seconds = static_cast<int>(harness::wall_seconds() - start_);
    std::fprintf(stderr, "%d:%02d %s %zu/%zu %s\n", seconds / 60, seconds % 60, part, i, n, what.c_str());
  }

  void fault(const std::string& name, const std::string& why, bool own) {
    done_.faults.push_back(name + " " + now_ + ": " + why);
    done_.own_fault = done_.own_fault || own;
    std::fprintf(stderr, "%s\n", done_.faults.back().c_str());
  }

  /// Those that are fit to be timed.
  void enter(std::vector<contender>& all, const std::string& name, harness::prepared ready, bool own) {
    if (ready.fault.empty())
      all.push_back({name, std::move(ready)});
    else
      fault(name, ready.fault, own);
  }
  void enter_own(std::vector<contender>& all, const char* types, const shape& s) {
    if (const kernels::product* p = kernels::find(types); p != nullptr && p->takes(s))
      enter(all, types, p->prepare(s, {}), true);
  }
  void enter_peers(std::vector<contender>& all, const std::shared_ptr<peers::problem>& problem,
                   std::initializer_list<const char*> types) {
    for (const peers::peer& one : peers::all())
      for (const char* type : types)
        if (std::string(type) == one.types) {
          const std::string name = std::string(one.name) + " " + one.types;
          enter(all, name, peers::prepare(one, problem), false);
        }
  }

  /// A row of the contender `own` against those peers whose types are listed. Rates are of `amount` a call.
  row* record(std::size_t where, const std::string& name, const std::vector<contender>& all, const std::string& own,
              std::initializer_list<const char*> peer_types, double amount, bool in_bytes) {
    const contender* us = nullptr;
    for (const contender& one : all)
      if (one.name == own) us = &one;
    if (us == nullptr) return nullptr;
    row made{.name = name, .in_bytes = in_bytes, .own = 1e-9 * amount / us->best(), .spread = us->spread()};
    made.seconds = us->best();
    for (const contender& one : all)
      for (const char* types : peer_types)
        if (one.name.ends_with(std::string(" ") + types)) made.peers.emplace_back(one.name, 1e-9 * amount / one.best());
    at(where).rows.push_back(made);
    return &at(where).rows.back();
  }

  /// The same for products of the best instruction set: in GOP/s, and for one row of x in GB/s of its weights too.
  void record_product(std::size_t where, const char* types, const shape& s, const std::vector<contender>& all,
                      std::initializer_list<const char*> peer_types) {
    const double bytes = s.m == 1 ? weight_bytes(all, types) : 0;
    const auto limits = [&](row* made) {
      if (made == nullptr) return;
      made->operations = s.operations();
      made->instruction = kernels::find(types)->instruction(isa_);
      made->weight_bytes = bytes;
      if (bytes > 0) harness::bandwidth_for(bytes);
    };
    const std::string what = std::string(types) + "/" + isa_ + "/" + s.name();
    if (where != vector_) limits(record(where, "gemm/" + what, all, types, peer_types, s.operations(), false));
    if (bytes > 0) limits(record(vector_, "gemv/" + what, all, types, peer_types, bytes, true));
  }

  static double weight_bytes(const std::vector<contender>& all, const std::string& own) {
    for (const contender& one : all)
      if (one.name == own) return one.ready.weight_bytes;
    return 0;
  }

  void products() {
    std::size_t done = 0;
    for (const shape& s : harness::shapes) {
      progress("products", ++done, std::size(harness::shapes), s.name());
      const bool square = s.m == s.n && s.n == s.k && s.k <= 1024;
      std::vector<contender> all;
      const auto problem = std::make_shared<peers::problem>(s);
      enter_own(all, "u8s8u8", s);
      enter_own(all, "f32", s);
      enter_peers(all, problem, {"u8s8u8", "u8u8u8", "f32"});
      if (square) {
        enter_own(all, "u8s8s32", s);
        enter_peers(all, problem, {"u8s8s32"});
      }
      take_turns(all, settings_.rounds);
      record_product(codes_, "u8s8u8", s, all, {"u8s8u8", "u8u8u8", "f32"});
      record_product(floats_, "f32", s, all, {"f32"});
      record_product(sums_, "u8s8s32", s, all, {"u8s8s32"});
    }
  }

  void four_bits() {
    std::size_t done = 0;
    for (const shape& s : four_bit_shapes) {
      progress("int4", ++done, std::size(four_bit_shapes), s.name());
      std::vector<contender> all;
      const auto problem = std::make_shared<peers::problem>(s);
      for (const char* types : four_bit_types) enter_own(all, types, s);
      enter_peers(all, problem, {"u8s8f32", "f32"});
      take_turns(all, settings_.rounds);
      for (const char* types : four_bit_types) record_product(four_, types, s, all, {"u8s8f32", "f32"});
    }
    std::stable_sort(at(four_).rows.begin(), at(four_).rows.end(), [](const row& a, const row& b) {
      return a.name.substr(0, a.name.find("f32/")) < b.name.substr(0, b.name.find("f32/"));
    });
  }

  void beyond_caches() {
    progress("memory", 1, 1, in_memory.name());
    std::vector<contender> all;
    const auto problem = std::make_shared<peers::problem>(in_memory);
    enter_own(all, "u8s8u8", in_memory);
    enter_peers(all, problem, {"u8s8u8"});
    take_turns(all, settings_.rounds);
    record_product(vector_, "u8s8u8", in_memory, all, {"u8s8u8"});
  }

  void packing() {
    constexpr index_t n = 4096, k = 4096;
    progress("pack", 1, 1, "4096/4096");
    std::vector<contender> all;
    constexpr const char* schemes[] = {"s8_per_row", "s4_per_row", "s4_per_group_32"};
    for (const char* scheme : schemes)
      if (const kernels::packing* p = kernels::find_packing(scheme); p != nullptr)
        enter(all, scheme, p->prepare(n, k), true);
    for (const peers::packer& one : peers::packers())
      enter(all, std::string(one.name) + " " + one.scheme, peers::prepare(one, n, k), false);
    take_turns(all, settings_.rounds);
    for (const char* scheme : schemes)
      record(packs_, std::string("pack/") + scheme + "/4096/4096", all, scheme, {"s8", "s8_without_sums"},
             weight_bytes(all, scheme), true);
  }

  void threads() {
    if (std::thread::hardware_concurrency() < 2) return;
    dyadic::thread_pool pool(2);
    const kernels::product* p = kernels::find("u8s8u8");
    for (const index_t size : {index_t{512}, index_t{1024}}) {
      const shape s{size, size, size};
      progress("threads", size == 512 ? 1 : 2, 2, s.name());
      std::vector<contender> all;
      enter(all, "two", p->prepare(s, pool), true);
      enter(all, "one thread", p->prepare(s, {}), true);
      take_turns(all, 3 * settings_.rounds, harness::wall_seconds);
      record(threads_, "threads/2/gemm/u8s8u8/" + s.name(), all, "two", {"thread"}, s.operations(), false);
    }
    // Here and not before, so that the fraction is one of the same minute.
    const double most = harness::integer_peak_of_threads(isa_, 2);
    if (most <= 0) return;
    both_cores_ = most;
    for (row& r : at(threads_).rows) r.peak = 1e9 * r.own / most;
  }

  void other_isas() {
    for (const std::string& isa : harness::isas()) {
      if (isa == isa_ || isa == "scalar") continue;
      for (const index_t size : {64, 128, 256, 512, 1024}) {
        const shape s{size, size, size};
        progress("isas", 1, 1, isa + " " + s.name());
        const harness::forced_isa forced(isa);
        std::vector<contender> all;
        enter_own(all, "u8s8u8", s);
        take_turns(all, settings_.rounds);
        row* made = record(isas_, "gemm/u8s8u8/" + isa + "/" + s.name(), all, "u8s8u8", {}, s.operations(), false);
        if (made == nullptr) continue;
        made->operations = s.operations();
        made->instruction = harness::integer_instruction(isa);
        harness::integer_peak(isa);
      }
    }
  }

  /// At the end, when the limits have been looked at twice.
  static void compare_with_limits(row& r) {
    if (const double most = harness::peak_of(r.instruction); most > 0) r.peak = r.operations / r.seconds / most;
    if (const double most = r.weight_bytes > 0 ? harness::bandwidth_for(r.weight_bytes) : 0; most > 0)
      r.of_bandwidth = r.weight_bytes / r.seconds / most;
  }

  void peaks() {
    done_.peaks.clear();
    for (int i = 0; i < harness::instruction_count; ++i)
      if (const auto& one = harness::instructions[i]; harness::supported(one))
        done_.peaks.emplace_back(std::string("peak/") + one.name, harness::peak_of(one.name));
    if (both_cores_ > 0) done_.peaks.emplace_back("threads/2/peak", both_cores_);
    if (!harness::can_read()) return;
    for (const auto level : harness::memory_levels)
      done_.peaks.emplace_back(std::string("bandwidth/") + harness::name_of(level), harness::bandwidth_of(level));
  }

  settings settings_;
  std::string isa_, now_{};  ///< now_: the shape at hand
  double start_ = harness::wall_seconds(), both_cores_ = 0;
  results done_;
  std::size_t codes_, sums_, four_, vector_, floats_, packs_, threads_, isas_;
};

}  // namespace

results run_suite(const settings& s) { return suite(s).run(); }

}  // namespace report
