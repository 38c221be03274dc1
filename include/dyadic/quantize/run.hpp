// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs: contiguous numbers of a row with the params they share, on which all of quantize/ works.
//
// A run of a matrix whose rows are contiguous stands where it is; of any other layout at most 64 numbers at a time are
// gathered. reals_to_codes, codes_to_reals and reals_to_reals take a run to the active instruction set, all groups of a
// row at once.
#pragma once

#include <dyadic/calibrate/runs.hpp>
#include <dyadic/quantize/simd/operators.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

inline constexpr index_t segment_length = 64;

/// Calls visit(i, j, n) for segments (i, j) .. (i, j + n - 1), n <= 64, of a (rows, cols) matrix whose rows fall into
/// groups. Down the columns first when that is how x lies in memory.
template <class T, class Visit>
void for_each_segment(const scheme& s, const strided<T>& x, Visit&& visit) {
  const index_t rows = x.rows(), cols = x.cols();
  const index_t group = s.per == granularity::per_group ? s.group : cols;
  const auto length_at = [=](index_t j) {
    const index_t left = group - j % group;
    return left < segment_length ? left : segment_length;
  };
  const auto size = [](index_t stride) { return stride < 0 ? -stride : stride; };
  if (size(x.row_stride()) < size(x.col_stride())) {
    for (index_t j = 0; j < cols; j += length_at(j))
      for (index_t i = 0; i < rows; ++i) visit(i, j, length_at(j));
  } else {
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; j += length_at(j)) visit(i, j, length_at(j));
  }
}

/// n <= 64 numbers of row i from column j on.
inline void load_segment(float* x, const strided<const float>& from, index_t i, index_t j, index_t n) noexcept {
  const float* first = from.row(i) + j * from.col_stride();
  for (index_t t = 0; t < n; ++t) x[t] = first[t * from.col_stride()];
}

/// How many contiguous numbers of a row make a run: all, unless groups begin in the middle of a byte.
constexpr index_t run_length(const scheme& s, index_t cols) noexcept {
  return s.per == granularity::per_group && s.two_per_byte() && s.group % 2 != 0 ? s.group : cols;
}

/// Calls visit(i, j, n, numbers) for runs of numbers that share their params, of whole groups, or with a scale each.
template <class Visit>
void for_each_run_of(const scheme& s, const strided<const float>& x, Visit&& visit) {
  if (x.col_stride() != 1) {
    for_each_segment(s, x, [&](index_t i, index_t j, index_t n) {
      float numbers[segment_length];
      load_segment(numbers, x, i, j, n);
      visit(i, j, n, numbers);
    });
    return;
  }
  const index_t run = run_length(s, x.cols());
  for (index_t i = 0; i < x.rows(); ++i)
    for (index_t j = 0; j < x.cols(); j += run) visit(i, j, run, x.row(i) + j);
}

/// How runs of scheme S are dispatched: bits of a code in memory.
template <scheme S>
inline constexpr int run_bits = S.bits == 16 || S.two_per_byte() ? S.bits : 8;

struct pick_pack {
  template <class Isa>
  static auto of() noexcept {
    return &simd::runs_of<Isa>::pack;
  }
};
struct pick_unpack {
  template <class Isa>
  static auto of() noexcept {
    return &simd::runs_of<Isa>::unpack;
  }
};
#define DYADIC_PICK(name, parameters, arguments)            \
  template <parameters>                                     \
  struct pick_##name {                                      \
    template <class Isa>                                    \
    static auto of() noexcept {                             \
      return &simd::runs_of<Isa>::template name<arguments>; \
    }                                                       \
  }
#define DYADIC_LIST(...) __VA_ARGS__
DYADIC_PICK(codes, DYADIC_LIST(profile P, int Bits), DYADIC_LIST(P, Bits));
DYADIC_PICK(reals, DYADIC_LIST(int Bits, bool Signed), DYADIC_LIST(Bits, Signed));
DYADIC_PICK(fake, DYADIC_LIST(profile P, bool Wide), DYADIC_LIST(P, Wide));
DYADIC_PICK(group_codes, DYADIC_LIST(profile P, int Bits), DYADIC_LIST(P, Bits));
DYADIC_PICK(group_reals, DYADIC_LIST(int Bits, bool Signed), DYADIC_LIST(Bits, Signed));
DYADIC_PICK(group_fake, DYADIC_LIST(profile P, bool Wide), DYADIC_LIST(P, Wide));
DYADIC_PICK(each_codes, DYADIC_LIST(profile P, int Bits), DYADIC_LIST(P, Bits));
DYADIC_PICK(each_reals, DYADIC_LIST(int Bits, bool Signed), DYADIC_LIST(Bits, Signed));
#undef DYADIC_LIST
#undef DYADIC_PICK

/// Params of scheme S for runs of a matrix with `cols` columns.
template <scheme S>
class run_params {
 public:
  run_params(std::span<const float> scales, std::span<const std::int32_t> zero_points, index_t cols) noexcept
      : scales_(scales.data()), zero_points_(zero_points.empty() ? nullptr : zero_points.data()), cols_(cols) {}
  explicit run_params(const params<S>& p, index_t cols) noexcept : run_params(p.scales(), p.zero_points(), cols) {}
  explicit run_params(const quantized_view<S>& q) noexcept : run_params(q.scales, q.zero_points, q.cols) {}

  /// Of the run that begins at (i, j), all of which shares them.
  simd::step step(index_t i, index_t j) const noexcept {
    const index_t at = params_index(S, cols_, i, j);
    return {scales_[at], zero_points_ == nullptr ? S.middle() : zero_points_[at], S.qmin(), S.qmax()};
  }
  /// Of a run from (i, j) on with a scale for each column or group.
  simd::steps steps(index_t i, index_t j) const noexcept {
    const index_t at = params_index(S, cols_, i, j);
    return {scales_ + at, zero_points_ == nullptr ? nullptr : zero_points_ + at, S.middle(), S.qmin(), S.qmax()};
  }

 private:
  const float* scales_;
  const std::int32_t* zero_points_;
  index_t cols_;
};

/// Writes codes of runs into rows of codes as quantized.hpp lays them out.
template <scheme S, profile P>
class reals_to_codes {
 public:
  explicit reals_to_codes(const run_params<S>& p) noexcept : p_(p) {}

  /// Codes of n numbers of row i from column j on, into the row of codes that starts at `row`.
  void operator()(index_t i, index_t j, index_t n, const float* x, std::uint8_t* row, clip_count& clipped) const {
    if constexpr (S.two_per_byte()) {
      if (j % 2 != 0 && n > 0) {
        std::uint8_t one[1];
        plain(i, j, 1, x, one, clipped);
        store4(row, j, low_u4(one[0]));
        ++j, --n, ++x;
      }
      if (n == 0) return;  // behind the last group there are no params to look at
      plain(i, j, n, x, row + j / 2, clipped);
    } else {
      plain(i, j, n, x, row + row_bytes(S, j), clipped);
    }
  }

  /// The same from the beginning of a byte on.
  void plain(index_t i, index_t j, index_t n, const float* x, std::uint8_t* y, clip_count& clipped) const {
    if constexpr (S.per == granularity::per_group) {
      groups_(x, n, S.group, p_.steps(i, j), y, clipped);
    } else if constexpr (S.per != granularity::per_column) {
      run_(x, n, p_.step(i, j), y, clipped);
    } else if constexpr (bits == 4) {
      constexpr index_t most = 256;
      std::uint8_t codes[most] = {};
      for (index_t t = 0; t < n; t += most) {
        const index_t here = simd::smaller(most, n - t);
        each_(x + t, here, p_.steps(i, j + t), codes, clipped);
        for (index_t u = 0; u < here; u += 2) y[(t + u) / 2] = pack_u4(codes[u], u + 1 < here ? codes[u + 1] : 0);
      }
    } else {
      each_(x, n, p_.steps(i, j), y, clipped);
    }
  }

 private:
  static constexpr int bits = run_bits<S>;

  const run_params<S>& p_;
  decltype(dispatched<pick_codes<P, bits>>()) run_ = dispatched<pick_codes<P, bits>>();
  decltype(dispatched<pick_group_codes<P, bits>>()) groups_ = dispatched<pick_group_codes<P, bits>>();
  decltype(dispatched<pick_each_codes<P, bits>>()) each_ = dispatched<pick_each_codes<P, bits>>();
};

/// Reads runs of rows of codes.
template <scheme S>
class codes_to_reals {
 public:
  explicit codes_to_reals(const run_params<S>& p) noexcept : p_(p) {}

  /// Reals of n codes of row i from column j on; the row of codes starts at `row`.
  void operator()(index_t i, index_t j, index_t n, const std::uint8_t* row, float* y) const {
    if constexpr (S.per == granularity::per_column && bits == 4) {
      constexpr index_t most = 256;
      std::uint8_t codes[most];
      for (index_t t = 0; t < n; t += most) {
        const index_t here = simd::smaller(most, n - t);
        for (index_t u = 0; u < here; ++u) codes[u] = static_cast<std::uint8_t>(load_code<S>(row, j + t + u) & 0xFF);
        each_(codes, here, p_.steps(i, j + t), y + t);
      }
    } else if constexpr (S.per == granularity::per_column) {
      each_(row + row_bytes(S, j), n, p_.steps(i, j), y);
    } else {
      if (n == 0) return;  // behind the last group there are no params to look at
      const simd::step s = p_.step(i, j);
      const simd::steps all = p_.steps(i, j);
      if constexpr (bits == 4) {
        if (j % 2 != 0) {
          *y++ = dequantize_one(load_code<S>(row, j), s.scale, s.zero_point);
          ++j, --n;
        }
      }
      const std::uint8_t* const from = row + (bits == 4 ? j / 2 : row_bytes(S, j));
      if constexpr (S.per == granularity::per_group)
        groups_(from, n, S.group, all, y);
      else
        run_(from, n, s, y);
    }
  }

 private:
  static constexpr int bits = run_bits<S>;

  const run_params<S>& p_;
  decltype(dispatched<pick_reals<bits, S.is_signed>>()) run_ = dispatched<pick_reals<bits, S.is_signed>>();
  decltype(dispatched<pick_group_reals<bits, S.is_signed>>()) groups_ =
      dispatched<pick_group_reals<bits, S.is_signed>>();
  decltype(dispatched<pick_each_reals<bits, S.is_signed>>()) each_ = dispatched<pick_each_reals<bits, S.is_signed>>();
};

/// Reals of the codes of reals.
template <scheme S, profile P>
class reals_to_reals {
 public:
  explicit reals_to_reals(const run_params<S>& p) noexcept : p_(p) {}

  /// Of n numbers of row i from column j on; y may be x.
  void operator()(index_t i, index_t j, index_t n, const float* x, float* y, clip_count& clipped) const {
    if constexpr (S.per == granularity::per_group) {
      groups_(x, n, S.group, p_.steps(i, j), y, clipped);
    } else if constexpr (S.per != granularity::per_column) {
      run_(x, n, p_.step(i, j), y, clipped);
    } else {
      constexpr index_t most = 256;
      std::uint8_t codes[wide ? 2 * most : most];
      for (index_t t = 0; t < n; t += most) {
        const index_t here = simd::smaller(most, n - t);
        to_codes_(x + t, here, p_.steps(i, j + t), codes, clipped);
        to_reals_(codes, here, p_.steps(i, j + t), y + t);
      }
    }
  }

 private:
  static constexpr bool wide = S.bits == 16;
  static constexpr int bits = wide ? 16 : 8;

  const run_params<S>& p_;
  decltype(dispatched<pick_fake<P, wide>>()) run_ = dispatched<pick_fake<P, wide>>();
  decltype(dispatched<pick_group_fake<P, wide>>()) groups_ = dispatched<pick_group_fake<P, wide>>();
  decltype(dispatched<pick_each_codes<P, bits>>()) to_codes_ = dispatched<pick_each_codes<P, bits>>();
  decltype(dispatched<pick_each_reals<bits, S.is_signed>>()) to_reals_ =
      dispatched<pick_each_reals<bits, S.is_signed>>();
};

}  // namespace dyadic::inline DYADIC_ABI::detail
