// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two thousand random products: any schemes, epilogues, layouts and thread counts. Whole outputs are the same on every
// instruction set; they equal the reference everywhere when the product is small, and otherwise in blocks of it.
#include <dyadic/kernels/gemm_reals.hpp>
#include <dyadic/kernels/reference/gemm.hpp>
#include <dyadic/scheme/name.hpp>

#include <cmath>

#include "kernels/product.hpp"
#include "kernels/schemes.hpp"

namespace gemm_random_test {

using namespace dyadic;
using product::fill, product::landing, product::layout, product::make_w, product::make_x;

template <scheme... S>
std::vector<scheme> schemes_in(scheme_list<S...>) {
  return {S...};
}
const std::vector<scheme>& x_schemes() {
  static const std::vector<scheme> all = schemes_in(product::tried_activations{});
  return all;
}
const std::vector<scheme>& w_schemes() {
  static const std::vector<scheme> all = schemes_in(product::tried_weights{});
  return all;
}

/// From 1 to `most`: any size as likely as any other, or any power of two.
index_t any_size(index_t most, std::mt19937& random) {
  if (random() % 2 == 0) return 1 + static_cast<index_t>(random() % static_cast<unsigned>(most));
  const double u = static_cast<double>(random() >> 5) * 0x1p-27;
  return static_cast<index_t>(std::exp(u * std::log(static_cast<double>(most) + 1.0)));
}

/// Rows and columns of y, half open.
struct block {
  index_t row, rows_end, column, columns_end;
};
/// What the reference computes: all of a small product; of others the first and the last tile and one somewhere.
std::vector<block> blocks(index_t m, index_t n, index_t k, std::mt19937& random) {
  if (m * n * k <= 60'000) return {{0, m, 0, n}};
  const auto end = [](index_t first, index_t length, index_t most) { return (std::min)(first + length, most); };
  const index_t row = static_cast<index_t>(random() % static_cast<unsigned>(m)),
                column = static_cast<index_t>(random() % static_cast<unsigned>(n));
  return {{0, end(0, 2, m), 0, end(0, 17, n)},
          {(std::max)(m - 2, index_t{0}), m, (std::max)(n - 17, index_t{0}), n},
          {row, end(row, 2, m), column, end(column, 8, n)}};
}

struct drawn {
  index_t m, n, k;
  std::mt19937& random;
  std::string what;
};

/// run(y, options) on every instruction set; expected(block) as the reference has it.
template <class T, class Run, class Expected>
void check(const drawn& d, const Run& run, const Expected& expected) {
  static workspace kept;
  std::vector<T> first;
  support::for_each_isa([&](const std::string& isa) {
    const int threads = product::thread_counts[d.random() % 4];
    landing<T> y(d.m, d.n, static_cast<layout>(d.random() % product::layouts));
    const result<void> ok =
        run(y.view(), run_options{product::threads(threads), d.random() % 2 == 0 ? &kept : nullptr});
    ASSERT_TRUE(ok) << d.what << ": " << ok.error().message();
    if (first.empty()) {
      for (index_t i = 0; i < d.m; ++i)
        for (index_t j = 0; j < d.n; ++j) first.push_back(y.view()(i, j));
      for (const block& b : blocks(d.m, d.n, d.k, d.random)) {
        const auto part = expected(b);
        auto at = part.begin();
        for (index_t i = b.row; i < b.rows_end; ++i)
          for (index_t j = b.column; j < b.columns_end; ++j, ++at) {
            const T want = static_cast<T>(*at), got = y.view()(i, j);
            ASSERT_EQ(std::memcmp(&want, &got, sizeof(T)), 0)
                << d.what << ", " << isa << ", " << threads << " threads: y(" << i << ", " << j << ") is " << +got
                << ", expected " << +want;
          }
      }
    }
    ASSERT_TRUE(y.holds(first)) << d.what << ", " << isa << ", " << threads << " threads";
  });
}

/// One of the ways to floats, for codes and floats alike.
struct to_reals {
  std::vector<float> bias;
  reference::reals expected;
  epilogue::bounded_reals how;

  to_reals(index_t n, float typical, std::mt19937& random) : bias(product::numbers(n, typical, random)) {
    const unsigned stages = static_cast<unsigned>(random());
    if (stages % 4 != 0) expected.bias = bias, how = epilogue::dequantize{} | epilogue::add_bias{bias};
    if (stages % 3 == 0) expected.low = 0.0f, how = how | epilogue::relu{};
    if (stages % 5 == 0)
      expected.low = -0.25f * typical, expected.high = typical, how = how | epilogue::clamp{-0.25f * typical, typical};
    if (stages % 15 == 0) expected.low = 0.0f;
  }
  to_reals(const to_reals&) = delete;
};

void check_codes(const drawn& d, const product::activations& x, const product::weights& w) {
  const bool spread = d.random() % 2 == 0;
  const float typical = std::sqrt(static_cast<float>(d.k) + 1.0f) * 0x1p-4f;
  const auto wide = x.wide.view();
  const auto from = [&](const auto& e) {
    return [&, e](const block& b) {
      return w.expected(dyadic::rows_of(wide, b.row, b.rows_end - b.row), e, b.column, b.columns_end);
    };
  };
  const auto with = [&](const auto& e) {
    return [&, e](const auto& y, const run_options& options) { return x.multiply(spread, w.packed, e, y, options); };
  };
  const unsigned turn = static_cast<unsigned>(d.random()) % 4;
  if (turn == 0 && !w.packed.grouped()) return check<std::int32_t>(d, with(epilogue::sums{}), from(reference::sums{}));
  if (turn > 1 && x.one_scale) {
    const scheme& y = turn == 2 ? u8_per_tensor : s8_asymmetric_per_tensor;
    const auto bias = product::numbers(d.n, typical, d.random);
    const reference::codes r{.scale = typical / 64.0f,
                             .zero_point = product::code_of(y, fill::random, d.random),
                             .qmin = y.qmin(),
                             .qmax = y.qmax(),
                             .bias = d.random() % 4 == 0 ? std::span<const float>() : std::span<const float>(bias),
                             .relu = d.random() % 2 == 0};
    const auto how = requantization::try_make(x.scale, w.packed, r.bias, y, r.scale, r.zero_point);
    ASSERT_TRUE(how) << d.what << ": " << how.error().message();
    const epilogue::requantize e(*how, r.relu);
    return turn == 2 ? check<std::uint8_t>(d, with(e), from(r)) : check<std::int8_t>(d, with(e), from(r));
  }
  const to_reals e(d.n, typical, d.random);
  check<float>(d, with(e.how), from(e.expected));
}

/// x of floats, in one of its layouts: rows, rows further apart, columns.
struct real_x {
  std::vector<float> memory;
  strided<const float> x;

  real_x(index_t m, index_t k, std::mt19937& random) : memory(product::numbers(m * (k + 3), 1.0f, random)) {
    const unsigned how = static_cast<unsigned>(random()) % 3;
    x = how == 0   ? strided<const float>(memory.data(), m, k)
        : how == 1 ? strided<const float>(memory.data(), m, k, k + 3, 1)
                   : strided<const float>(memory.data(), m, k, 1, m);
  }
  strided<const float> rows(const block& b) const {
    return {x.row(b.row), b.rows_end - b.row, x.cols(), x.row_stride(), x.col_stride()};
  }
};

void check_weight_only(const drawn& d, const product::weights& w) {
  const real_x x(d.m, d.k, d.random);
  const to_reals e(d.n, std::sqrt(static_cast<float>(d.k) + 1.0f) * 0x1p-5f, d.random);
  check<float>(
      d,
      [&](const strided<float>& y, const run_options& options) { return try_gemm(x.x, w.packed, e.how, y, options); },
      [&](const block& b) { return w.expected(x.rows(b), e.expected, b.column, b.columns_end); });
}

void check_reals(const drawn& d) {
  const real_x x(d.m, d.k, d.random), w(d.n, d.k, d.random);
  const auto packed = pack(w.x);
  const to_reals e(d.n, std::sqrt(static_cast<float>(d.k) + 1.0f), d.random);
  check<float>(
      d, [&](const strided<float>& y, const run_options& options) { return try_gemm(x.x, packed, e.how, y, options); },
      [&](const block& b) {
        const index_t n = b.columns_end - b.column;
        reference::reals r = e.expected;
        if (!r.bias.empty()) r.bias = r.bias.subspan(static_cast<std::size_t>(b.column), static_cast<std::size_t>(n));
        std::vector<float> part(static_cast<std::size_t>((b.rows_end - b.row) * n));
        reference::gemm(x.rows(b), strided<const float>(w.rows({b.column, b.columns_end, 0, 0})), r,
                        {part.data(), b.rows_end - b.row, n});
        return part;
      });
}

/// Product `i`: seven in ten of codes, two weight-only, one of floats.
void check_drawn(unsigned i, index_t m, index_t n, index_t k, std::mt19937& random) {
  const scheme& of_x = x_schemes()[i % x_schemes().size()];
  const scheme& of_w = w_schemes()[i / x_schemes().size() % w_schemes().size()];
  if (of_w.per == granularity::per_group) k = round_up(k, of_w.group);
  drawn d{m, n, k, random,
          "product " + std::to_string(i) + ", m = " + std::to_string(m) + ", n = " + std::to_string(n) +
              ", k = " + std::to_string(k)};
  const unsigned kind = static_cast<unsigned>(random()) % 10;
  if (kind == 0) return check_reals(d);
  constexpr fill fills[] = {fill::random, fill::random, fill::ends, fill::halves};
  const fill codes_of_x = fills[random() % 3], codes_of_w = fills[random() % 4];
  const auto w = make_w(of_w, n, k, codes_of_w, random);
  d.what += std::string(", w ") + scheme_name(of_w).c_str();
  if (kind < 3) return check_weight_only(d, *w);
  d.what += std::string(", x ") + scheme_name(of_x).c_str();
  check_codes(d, *make_x(of_x, m, k, codes_of_x, random), *w);
}

void check_range(unsigned first, unsigned last) {
  for (unsigned i = first; i < last; ++i) {
    std::mt19937 random(i);
    check_drawn(i, any_size(130, random), any_size(300, random), any_size(700, random), random);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(GemmRandom, FirstFiveHundred) { check_range(0, 500); }
TEST(GemmRandom, SecondFiveHundred) { check_range(500, 1000); }
TEST(GemmRandom, ThirdFiveHundred) { check_range(1000, 1500); }
TEST(GemmRandom, FourthFiveHundred) { check_range(1500, 2000); }

/// Depths of several stretches, and more rows than one block holds.
TEST(GemmRandom, LongRows) {
  for (unsigned i = 0; i < 60; ++i) {
    std::mt19937 random(i + 5000);
    const auto k = static_cast<index_t>(1000 + random() % 5000);
    check_drawn(i * 7, any_size(40, random), any_size(90, random), k, random);
    if (HasFatalFailure()) return;
  }
}
TEST(GemmRandom, ManyRows) {
  for (unsigned i = 0; i < 30; ++i) {
    std::mt19937 random(i + 9000);
    const auto m = static_cast<index_t>(400 + random() % 300);
    check_drawn(i * 7, m, any_size(40, random), any_size(80, random), random);
    if (HasFatalFailure()) return;
  }
}

}  // namespace gemm_random_test
