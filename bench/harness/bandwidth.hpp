// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// bandwidth: how many bytes a second one core reads from each level of its memory, measured in this process.
//
// The loop is one piece of assembly: eight loads of a whole register, an addition and a count. Nothing is stored, and
// what is loaded goes to registers nobody reads. Large buffers ask for large pages, so that memory is measured and not
// the translation of its addresses.
#pragma once

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include <dyadic/simd/cpu.hpp>

#include "harness/clock.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace harness {

/// Bytes of this core's data cache of a level, 1 to 3. The kernel's own table first: sysconf adds up the third level of
/// a whole socket on some processors.
inline std::size_t cache_bytes(int level) {
#if defined(__linux__)
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    std::ifstream level_file(folder + "level"), type_file(folder + "type"), size_file(folder + "size");
    int found = 0;
    std::size_t size = 0;
    char unit = 0;
    std::string type;
    if (!(level_file >> found) || !(type_file >> type) || !(size_file >> size >> unit)) continue;
    if (found == level && type != "Instruction") return size << (unit == 'M' ? 20 : unit == 'K' ? 10 : 0);
  }
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  const long told = sysconf(level == 1   ? _SC_LEVEL1_DCACHE_SIZE
                            : level == 2 ? _SC_LEVEL2_CACHE_SIZE
                                         : _SC_LEVEL3_CACHE_SIZE);
  if (told > 0) return static_cast<std::size_t>(told);
#endif
#endif
  return level == 1 ? std::size_t{32} << 10 : level == 2 ? std::size_t{1} << 20 : std::size_t{32} << 20;
}

enum class memory_level { l1, l2, l3, dram };
inline constexpr memory_level memory_levels[] = {memory_level::l1, memory_level::l2, memory_level::l3,
                                                 memory_level::dram};
inline const char* name_of(memory_level level) {
  static constexpr const char* names[] = {"l1", "l2", "l3", "dram"};
  return names[static_cast<int>(level)];
}

/// Where data of this size stays from one use to the next.
inline memory_level level_that_holds(double bytes) {
  for (int level = 1; level <= 3; ++level)
    if (bytes <= static_cast<double>(cache_bytes(level))) return memory_levels[level - 1];
  return memory_level::dram;
}

/// How much is read to measure a level: half of the two inner caches, which have no other user; 8 MB of the third, more
/// where the second is that large and less where the third is small; for memory 512 MB, or four times the third.
inline std::size_t bytes_to_read(memory_level level) {
  const std::size_t second = cache_bytes(2), third = cache_bytes(3), eight = std::size_t{8} << 20;
  switch (level) {
    case memory_level::l1: return cache_bytes(1) / 2 / 512 * 512;
    case memory_level::l2: return second / 2 / 512 * 512;
    case memory_level::l3: {
      const std::size_t wanted = eight < 4 * second ? 4 * second : eight;
      return (wanted < third / 2 ? wanted : third / 2) / 512 * 512;
    }
    case memory_level::dram: return 64 * eight < 4 * third ? 4 * third : 64 * eight;
  }
  return 0;
}

#if defined(__x86_64__)
#define HARNESS_READ_LOOP(name, load, bytes, r)                                                                \
  inline void name(const void* from, std::size_t blocks) {                                                     \
    __asm__ volatile("1:\n\t" load " 0*" bytes "(%0), %%" r "0\n\t" load " 1*" bytes "(%0), %%" r "1\n\t" load \
                     " 2*" bytes "(%0), %%" r "2\n\t" load " 3*" bytes "(%0), %%" r "3\n\t" load " 4*" bytes   \
                     "(%0), %%" r "4\n\t" load " 5*" bytes "(%0), %%" r "5\n\t" load " 6*" bytes "(%0), %%" r  \
                     "6\n\t" load " 7*" bytes "(%0), %%" r                                                     \
                     "7\n\t"                                                                                   \
                     "addq $8*" bytes ", %0\n\tdecq %1\n\tjnz 1b\n\tvzeroupper"                                \
                     : "+r"(from), "+r"(blocks)                                                                \
                     :                                                                                         \
                     : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");        \
  }
HARNESS_READ_LOOP(read_zmm, "vmovdqu64", "64", "zmm")
HARNESS_READ_LOOP(read_ymm, "vmovdqu", "32", "ymm")
#undef HARNESS_READ_LOOP
#endif

inline bool can_read() { return dyadic::simd::detect_cpu().avx2; }

/// Reads `bytes`, a multiple of 512, once. Does nothing where can_read() is false.
inline void read_once(const void* from, std::size_t bytes) {
#if defined(__x86_64__)
  static const bool wide = dyadic::simd::detect_cpu().avx512_vnni;
  if (wide)
    read_zmm(from, bytes / 512);
  else if (can_read())
    read_ymm(from, bytes / 256);
#else
  static_cast<void>(from), static_cast<void>(bytes);
#endif
}

/// Bytes to read, written once so that each page is its own.
class readable_memory {
 public:
  explicit readable_memory(std::size_t bytes) : bytes_(bytes), memory_(std::aligned_alloc(page, round_up(bytes))) {
    if (memory_ == nullptr) return;
#if defined(__linux__)
    if (bytes >= page) madvise(memory_.get(), round_up(bytes), MADV_HUGEPAGE);
#endif
    std::memset(memory_.get(), 1, bytes);
  }
  const void* data() const { return memory_.get(); }
  std::size_t size() const { return memory_ == nullptr ? 0 : bytes_; }

 private:
  static constexpr std::size_t page = std::size_t{2} << 20;
  static std::size_t round_up(std::size_t bytes) { return (bytes + page - 1) / page * page; }
  struct give_back {
    void operator()(void* p) const { std::free(p); }
  };
  std::size_t bytes_;
  std::unique_ptr<void, give_back> memory_;
};

/// Bytes a second of `bytes`, a multiple of 512, read over and over: the best of windows of some 0.3 milliseconds or
/// one pass, 40 milliseconds of them or ten passes.
inline double measure_bandwidth(std::size_t bytes) {
  if (!can_read()) return 0;
  const readable_memory memory(bytes);
  if (memory.size() == 0) return 0;
  const std::size_t passes = 1 + (std::size_t{1} << 25) / bytes;
  double best = 0, total = 0;
  for (int window = 0; window < 10 || total < 0.04; ++window) {
    const double start = processor_seconds();
    for (std::size_t i = 0; i < passes; ++i) read_once(memory.data(), bytes);
    const double seconds = processor_seconds() - start;
    const double rate = seconds > 0 ? static_cast<double>(passes * bytes) / seconds : 0;
    best = rate > best ? rate : best;
    total += seconds;
  }
  return best;
}

/// What this process knows of its bandwidths so far, by bytes read.
inline std::map<std::size_t, double>& known_bandwidths() {
  static std::map<std::size_t, double> known;
  return known;
}

/// The same, measured once a process; 0 where it cannot be.
inline double bandwidth_of(std::size_t bytes) {
  double& one = known_bandwidths()[bytes];
  if (one == 0) one = measure_bandwidth(bytes);
  return one;
}
inline double bandwidth_of(memory_level level) { return bandwidth_of(bytes_to_read(level)); }

/// Bytes a second that data of this size can come at: those of the level that holds it. What is neither well inside the
/// third level nor as large as what memory is measured with lies partly in both: it is compared with a plain reading of
/// as many bytes.
inline double bandwidth_for(double bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  const bool between = size > cache_bytes(3) / 2 && size < bytes_to_read(memory_level::dram);
  return between ? bandwidth_of(size / 512 * 512) : bandwidth_of(level_that_holds(bytes));
}

/// Looks again, and keeps the better: the first look may have met a slow moment of the machine.
inline void measure_bandwidths_again() {
  for (auto& [bytes, known] : known_bandwidths()) {
    const double seen = measure_bandwidth(bytes);
    known = seen > known ? seen : known;
  }
}

}  // namespace harness
