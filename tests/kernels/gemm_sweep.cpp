// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every M, N and K from 0 to 40: x and y packed, strided, and a byte before and behind a cache line.
//
// For each K and choice of codes the reference multiplies 40 rows by 40 once; a smaller product is its corner.
#include <dyadic/kernels/reference/gemm.hpp>

#include <bit>

#include "kernels/product.hpp"
#include "kernels/schemes.hpp"

namespace gemm_sweep_test {

using namespace dyadic;
using product::fill;

constexpr index_t most = 40;

/// What the codes of the two operands are, and the zero point of an x that has one.
struct choice {
  fill x, w, zero_point;
};
constexpr choice choices[] = {{fill::random, fill::random, fill::random},  {fill::ends, fill::ends, fill::highest},
                              {fill::highest, fill::lowest, fill::lowest}, {fill::lowest, fill::highest, fill::highest},
                              {fill::random, fill::ends, fill::random},    {fill::highest, fill::halves, fill::lowest},
                              {fill::random, fill::halves, fill::random}};

/// A few numbers for every combination that share nothing with each other.
class turns {
 public:
  turns(index_t m, index_t n, index_t k) : left_(std::uint64_t(m * 41 + n) * 41 + std::uint64_t(k) + 1) {
    left_ *= 0x9E3779B97F4A7C15u;
    left_ ^= left_ >> 32;
    left_ *= 0xD6E8FEB86659FD93u;
    left_ ^= left_ >> 32;
  }
  int below(int n) {
    const auto one = static_cast<int>(left_ % static_cast<unsigned>(n));
    left_ /= static_cast<unsigned>(n);
    return one;
  }

 private:
  std::uint64_t left_;
};

/// The codes of x again and again: rows apart or not, from a cache line on, a byte behind one, a byte before one.
template <scheme X>
class places {
 public:
  static constexpr int count = 6;

  explicit places(const quantized<X>& x) : x_(x.view()) {
    for (int p = 0; p < count; ++p) {
      const index_t stride = stride_of(p);
      memory_[p].assign(static_cast<std::size_t>(most * stride + 192), 0xA5);
      for (index_t i = 0; i < x.rows(); ++i)
        if (x.cols() > 0) std::memcpy(first(p) + i * stride, x.row(i), static_cast<std::size_t>(x.cols()));
    }
  }
  quantized_view<X> at(int p, index_t rows) {
    auto view = rows_of(x_, 0, rows);
    view.bytes = first(p);
    view.row_stride = stride_of(p);
    return view;
  }

 private:
  index_t stride_of(int p) const { return p % 2 == 0 ? x_.cols : x_.cols + 3; }
  std::uint8_t* first(int p) {
    std::uint8_t* line = memory_[p].data() + 1;
    while (reinterpret_cast<std::uintptr_t>(line) % 64 != 0) ++line;
    return line + (p / 2 == 0 ? 0 : p / 2 == 1 ? 1 : -1);
  }

  quantized_view<X> x_;
  std::vector<std::uint8_t> memory_[count];
};

/// Memory for any y of the sweep, marked outside its elements.
template <class T>
class field {
 public:
  static constexpr int layouts = 4;

  field() : memory_((most + 2) * (most + 8) * 2 + 128), marks_(memory_.size() * sizeof(T), 0xA5) {
    std::memset(memory_.data(), 0xA5, marks_.size());
  }
  /// An (m, n) output whose first element stands `shift` elements from a cache line.
  strided<T> at(index_t m, index_t n, int layout, int shift) {
    T* line = memory_.data() + 1;
    while (reinterpret_cast<std::uintptr_t>(line) % 64 != 0) ++line;
    T* first = line + shift;
    if (layout == 1) return {first, m, n, n + 5, 1};
    if (layout == 2) return {first, m, n, 1, m};
    if (layout == 3) return {first, m, n, 2 * n + 1, 2};
    return {first, m, n};
  }
  /// Whether y holds the corner of `expected`, most to a row, bit for bit, and nothing outside it has changed. The marks
  /// are back afterwards.
  bool holds(const strided<T>& y, const std::vector<T>& expected) {
    bool same = true;
    for (index_t i = 0; i < y.rows(); ++i)
      for (index_t j = 0; j < y.cols(); ++j) {
        same = same && std::memcmp(&y(i, j), &expected[static_cast<std::size_t>(i * most + j)], sizeof(T)) == 0;
        std::memset(&y(i, j), 0xA5, sizeof(T));
      }
    const auto used = static_cast<std::size_t>(y.rows() * (2 * y.cols() + 8) + 64) * sizeof(T);
    return same && std::memcmp(memory_.data(), marks_.data(), used < marks_.size() ? used : marks_.size()) == 0;
  }

 private:
  std::vector<T> memory_;
  std::vector<std::uint8_t> marks_;
};

/// Operands of one depth and choice of codes, and what the reference says of them.
template <scheme X, scheme W>
struct problem {
  static constexpr float y_scale = 0.05f;

  quantized<X> x;
  quantized<W> w;
  std::vector<float> bias;
  places<X> xs;
  std::vector<std::int32_t> sums;
  std::vector<float> reals;
  std::vector<std::uint8_t> codes;
  std::vector<std::int8_t> signed_codes;

  problem(index_t k, const choice& c, std::mt19937& random)
      : x(with_zero_point(product::operand<X>(most, k, c.x, random), product::code_of(X, c.zero_point, random))),
        w(product::operand<W>(most, k, c.w, random)),
        bias(product::numbers(most, 1.0f, random)),
        xs(x),
        sums(all<std::int32_t>(reference::sums{})),
        reals(all<float>(reference::reals{.bias = bias, .low = -2.0f})) {
    if constexpr (X.per == granularity::per_tensor) {
      codes = all<std::uint8_t>(reference::codes{.scale = y_scale, .zero_point = 99, .bias = bias, .relu = true});
      signed_codes = all<std::int8_t>(
          reference::codes{.scale = y_scale, .zero_point = -7, .qmin = -128, .qmax = 127, .bias = bias});
    }
  }

 private:
  template <class T, class E>
  std::vector<T> all(const E& e) const {
    std::vector<T> y(most * most);
    reference::gemm(x.view(), w.view(), e, strided<T>(y.data(), most, most));
    return y;
  }
  static quantized<X> with_zero_point(quantized<X> q, std::int32_t zero_point) {
    if constexpr (X.asymmetric() && X.per == granularity::per_tensor) {
      auto made = quantized<X>::try_make(q.rows(), q.cols(), params<X>(q.params().scale(), zero_point));
      if (q.cols() > 0) std::memcpy(made->bytes(), q.bytes(), static_cast<std::size_t>(q.size_bytes()));
      return std::move(*made);
    }
    return q;
  }
};

struct fields {
  field<std::int32_t> sums;
  field<float> reals;
  field<std::uint8_t> codes;
  field<std::int8_t> signed_codes;
};

/// One product of m rows by n to int32, and to another type in turn.
template <scheme X, scheme W>
bool check(problem<X, W>& p, const packed_weights& w, const requantization* how, index_t m, index_t n, fields& to,
           turns turn) {
  const auto x = p.xs.at(turn.below(places<X>::count), m);
  const int layout = turn.below(field<float>::layouts), shift = turn.below(3) - 1;
  const auto run = [&](auto& f, const auto& e, const auto& expected) {
    const auto y = f.at(m, n, layout, shift);
    return static_cast<bool>(try_gemm(x, w, e, y)) && f.holds(y, expected);
  };
  if (!run(to.sums, epilogue::sums{}, p.sums)) return false;
  const int other = turn.below(how == nullptr ? 1 : 3);
  if constexpr (X.per == granularity::per_tensor) {
    if (other == 1) return run(to.codes, epilogue::requantize{how[0]} | epilogue::relu{}, p.codes);
    if (other == 2) return run(to.signed_codes, epilogue::requantize{how[1]}, p.signed_codes);
  }
  const std::span<const float> bias(p.bias.data(), static_cast<std::size_t>(n));
  return run(to.reals, epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::clamp{-2.0f, epilogue::infinity},
             p.reals);
}

/// Every combination, each with one of the choices.
template <scheme X, scheme W>
void sweep() {
  fields to;
  index_t tried = 0;
  support::for_each_isa([&](const std::string& isa) {
    std::mt19937 random(17);
    for (index_t k = 0; k <= most; ++k)
      for (std::size_t c = 0; c < std::size(choices); ++c) {
        problem<X, W> p(k, choices[c], random);
        for (index_t n = 0; n <= most; ++n) {
          const auto w = pack(rows_of(p.w.view(), 0, n));
          std::vector<requantization> how;
          if constexpr (X.per == granularity::per_tensor) {
            const std::span<const float> bias(p.bias.data(), static_cast<std::size_t>(n));
            const float scale = p.x.params().scale();
            how.push_back(requantization::try_make(scale, w, bias, u8_per_tensor, p.y_scale, 99).value());
            how.push_back(requantization::try_make(scale, w, bias, s8_asymmetric_per_tensor, p.y_scale, -7).value());
          }
          for (index_t m = 0; m <= most; ++m) {
            turns turn(m, n, k);
            if (turn.below(static_cast<int>(std::size(choices))) != static_cast<int>(c)) continue;
            ++tried;
            ASSERT_TRUE(check(p, w, how.empty() ? nullptr : how.data(), m, n, to, turn))
                << isa << ", m = " << m << ", n = " << n << ", k = " << k << ", choice " << c;
          }
        }
      }
  });
  EXPECT_EQ(tried, index_t{41 * 41 * 41} * static_cast<index_t>(support::isas().size()));
}

TEST(GemmSweep, U8ByS8) { sweep<u8_per_tensor, product::s8_whole_per_row>(); }
TEST(GemmSweep, S8PerRowByU4) { sweep<s8_asymmetric_per_row, u4_per_row>(); }

}  // namespace gemm_sweep_test
