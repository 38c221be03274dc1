// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which instruction set runs: the first of the list this machine supports, unless DYADIC_ISA or force() names another.
//
// Whole operations are dispatched, never inner loops. The choice is made at the first use and kept in one atomic word:
// no dynamic initialiser, usable from static constructors and after main.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dyadic/core/float_environment.hpp>
#include <dyadic/core/result.hpp>
#include <dyadic/simd/list.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace simd::detail {

struct entry {
  const char* name;
  bool supported;
};

template <class... Isa>
inline void describe(list<Isa...>, entry* out) noexcept {
  const cpu_features cpu = detect_cpu();
  (void)((*out++ = entry{Isa::name, Isa::supported(cpu)}, true) && ...);
}

/// Position in the list, or -1 before the first choice. Constant-initialised.
inline int active_word = -1;

inline int position_of(const char* name) noexcept {
  entry all[isas::size];
  describe(isas{}, all);
  for (int i = 0; i < isas::size; ++i)
    if (std::strcmp(all[i].name, name) == 0) return all[i].supported ? i : -2;
  return -1;
}

inline int choose_position() noexcept {
  if (const char* wanted = std::getenv("DYADIC_ISA"); wanted != nullptr && *wanted != 0) {
    if (const int i = position_of(wanted); i >= 0) return i;
    std::fprintf(stderr, "dyadic: DYADIC_ISA=%s is not to be had here, the best instruction set runs\n", wanted);
  }
  entry all[isas::size];
  describe(isas{}, all);
  int i = 0;
  while (!all[i].supported) ++i;  // the last is scalar, which always is
  return i;
}

inline int active_position() noexcept {
  int i = __atomic_load_n(&active_word, __ATOMIC_RELAXED);
  if (i < 0) {
    i = choose_position();
    __atomic_store_n(&active_word, i, __ATOMIC_RELAXED);
  }
  return i;
}

template <class Pick, class Isa, class... Rest>
inline auto pick_at(list<Isa, Rest...>, int i) noexcept {
  if constexpr (sizeof...(Rest) > 0)
    if (i > 0) return pick_at<Pick>(list<Rest...>{}, i - 1);
  return Pick::template of<Isa>();
}

}  // namespace simd::detail

/// The instruction sets of this build that this machine can run, best first. Fills at most `size` names, returns how
/// many.
inline int supported_isas(const char** names, int size) noexcept {
  simd::detail::entry all[simd::isas::size];
  simd::detail::describe(simd::isas{}, all);
  int n = 0;
  for (const auto& one : all)
    if (one.supported && n < size) names[n++] = one.name;
  return n;
}

/// The instruction set that runs now. An unknown or unsupported DYADIC_ISA is passed over, with a
/// line on stderr at the first use.
inline const char* active_isa() noexcept {
  simd::detail::entry all[simd::isas::size];
  simd::detail::describe(simd::isas{}, all);
  return all[simd::detail::active_position()].name;
}

/// Makes one instruction set run from now on, in all threads; nullptr returns to the automatic choice.
inline result<void> try_force_isa(const char* name) noexcept {
  int i = -1;
  if (name != nullptr) {
    i = simd::detail::position_of(name);
    if (i == -1) return failure(errc::unknown_name, "force_isa: this build has no instruction set '{}'", name);
    if (i == -2) return failure(errc::unknown_name, "force_isa: this machine does not support '{}'", name);
  }
  __atomic_store_n(&simd::detail::active_word, i, __ATOMIC_RELAXED);
  return {};
}
#if DYADIC_EXCEPTIONS
inline void force_isa(const char* name) { try_force_isa(name).value(); }
#endif

/// The function of the active instruction set that Pick names: struct Pick { template <class Isa> static auto of(); };
template <class Pick>
inline auto dispatched() noexcept {
  return simd::detail::pick_at<Pick>(simd::isas{}, simd::detail::active_position());
}

}  // namespace dyadic::inline DYADIC_ABI
