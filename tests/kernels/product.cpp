// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "kernels/product.hpp"

#include <cmath>

#include <dyadic/core/thread_pool.hpp>
#include <dyadic/scheme/name.hpp>

#include "support/data.hpp"

namespace product {

namespace {

/// The numbers a product's epilogues are tried with.
class trial {
 public:
  trial(const activations& x, const weights& w, std::mt19937& random, effort e) : x_(x), w_(w), effort_(e) {
    what_ = std::string("x ") + dyadic::scheme_name(x.what).c_str() + ", w " + dyadic::scheme_name(w.what).c_str() +
            ", k = " + std::to_string(x.wide.cols());
    typical_ = std::sqrt(static_cast<float>(x.wide.cols()) + 1.0f) * 0x1p-4f;  // of sum * scale of x * scale of w
    bias_ = numbers(w.packed.rows(), typical_, random);
  }

  void sums() {
    if (w_.packed.grouped()) {
      landing<std::int32_t> y(x_.wide.rows(), w_.packed.rows(), layout::row_major);
      const auto refused = x_.multiply(false, w_.packed, epilogue::sums{}, y.view(), {});
      ASSERT_EQ(support::text_of(refused), "gemm: weights in " + std::to_string(w_.packed.view().groups) +
                                               " groups a row have no int32 sums, expected one group");
      return;
    }
    run<std::int32_t>("sums", w_.expected(x_.wide.view(), reference::sums{}), epilogue::sums{});
  }

  void reals() {
    const float low = -0.5f * typical_, high = 0.75f * typical_, infinity = epilogue::infinity;
    using epilogue::add_bias, epilogue::clamp, epilogue::dequantize, epilogue::relu;
    real("dequantize", dequantize{}, {});
    real("dequantize | relu", dequantize{} | relu{}, {.bias = {}, .low = 0.0f, .high = infinity});
    real("dequantize | bias", dequantize{} | add_bias{bias_}, {.bias = bias_});
    real("dequantize | bias | clamp", dequantize{} | add_bias{bias_} | clamp{low, high},
         {.bias = bias_, .low = low, .high = high});
    real("dequantize | bias | relu | clamp", dequantize{} | add_bias{bias_} | relu{} | clamp{low, high},
         {.bias = bias_, .low = 0.0f, .high = high});
  }

  /// To codes of one byte, from an x with one scale.
  void codes() {
    if (!x_.one_scale) return;
    const float scale = typical_ / 64.0f;
    code<std::uint8_t>({.scale = scale, .zero_point = 117});
    code<std::uint8_t>({.scale = scale, .zero_point = 117, .bias = bias_, .relu = true});
    code<std::int8_t>({.scale = scale, .zero_point = -30, .qmin = -128, .qmax = 127, .bias = bias_});
    code<std::int8_t>({.scale = scale, .zero_point = -30, .qmin = -128, .qmax = 127, .bias = {}, .relu = true});
  }

 private:
  void real(const std::string& name, const epilogue::bounded_reals& e, const reference::reals& r) {
    run<float>(name, w_.expected(x_.wide.view(), r), e);
  }
  template <class T>
  void code(const reference::codes& r) {
    const scheme& y = std::is_signed_v<T> ? dyadic::s8_asymmetric_per_tensor : dyadic::u8_per_tensor;
    const auto how = dyadic::requantization::try_make(x_.scale, w_.packed, r.bias, y, r.scale, r.zero_point);
    ASSERT_TRUE(how) << what_ << ": " << how.error().message();
    const std::vector<std::int32_t> wide = w_.expected(x_.wide.view(), r);
    std::vector<T> expected(wide.size());
    for (std::size_t i = 0; i < wide.size(); ++i) expected[i] = static_cast<T>(wide[i]);
    const epilogue::requantize e{*how};
    run<T>(std::string("requantize to ") + (y.is_signed ? "s8" : "u8") + (r.relu ? " | relu" : ""), expected,
           r.relu ? e | epilogue::relu{} : e);
  }
  template <class T, class E>
  void run(const std::string& name, const std::vector<T>& expected, const E& e) {
    if (testing::Test::HasFatalFailure()) return;
    const bool spread = ++turn_ % 2 != 0;
    expect_everywhere<T>(
        what_ + ", " + name, x_.wide.rows(), w_.packed.rows(), expected,
        [&, spread](strided<T> y, const run_options& options) { return x_.multiply(spread, w_.packed, e, y, options); },
        effort_);
  }

  const activations& x_;
  const weights& w_;
  effort effort_;
  std::vector<float> bias_;
  float typical_ = 1.0f;
  std::string what_;
  int turn_ = 0;
};

}  // namespace

std::vector<shape> shapes() {
  const index_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 31, 33, 63, 65};
  const std::size_t n = std::size(sizes);
  std::vector<shape> all;
  for (std::size_t i = 0; i < n; ++i) all.push_back({sizes[i], sizes[(i * 5 + 3) % n], sizes[(i * 7 + 6) % n]});
  for (const shape& s : {shape{1, 65, 33}, shape{65, 1, 33}, shape{33, 17, 1}, shape{1, 1, 65}, shape{6, 129, 8},
                         shape{250, 5, 9}, shape{13, 100, 20}})
    all.push_back(s);
  for (const shape& s : {shape{0, 3, 4}, shape{3, 0, 4}, shape{3, 4, 0}, shape{0, 0, 0}}) all.push_back(s);
  return all;
}

int code_of(const scheme& s, fill how, std::mt19937& random) {
  const auto any = static_cast<int>(random() % static_cast<unsigned>(s.levels()));
  switch (how) {
    case fill::lowest: return s.qmin();
    case fill::highest: return s.qmax();
    case fill::ends: return any % 2 == 0 ? s.qmin() : s.qmax();
    case fill::halves: return any % 2 == 0 ? s.qmin() / 2 : (s.qmax() + 1) / 2;
    default: return s.qmin() + any;
  }
}

std::vector<float> numbers(index_t n, float size, std::mt19937& random) {
  std::vector<float> all(static_cast<std::size_t>(n));
  for (float& x : all) x = (static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f) * size;
  return all;
}

dyadic::executor_ref threads(int count) {
  static dyadic::thread_pool two(2), three(3), seven(7);
  if (count == 2) return two;
  if (count == 3) return three;
  if (count == 7) return seven;
  return {};
}

template <class T>
void expect_everywhere(const std::string& what, index_t m, index_t n, const std::vector<T>& expected,
                       const std::function<result<void>(strided<T>, const run_options&)>& run, effort e) {
  static std::mt19937 random(1);
  static dyadic::workspace kept;
  const int tries = e == effort::every ? static_cast<int>(std::size(thread_counts)) * layouts : 1;
  support::for_each_isa([&](const std::string& isa) {
    for (int t = 0; t < tries; ++t) {
      const auto turn = e == effort::every ? static_cast<unsigned>(t) : static_cast<unsigned>(random());
      const int count = thread_counts[turn % 4];
      const auto where = static_cast<layout>(turn / 4 % layouts);
      landing<T> y(m, n, where);
      const result<void> ok = run(y.view(), run_options{threads(count), turn % 3 == 0 ? &kept : nullptr});
      ASSERT_TRUE(ok) << what << ": " << ok.error().message();
      ASSERT_TRUE(y.holds(expected)) << what << ", m = " << m << ", n = " << n << ", " << isa << ", " << count
                                     << " threads, layout " << static_cast<int>(where);
    }
  });
}
template void expect_everywhere<std::int32_t>(
    const std::string&, index_t, index_t, const std::vector<std::int32_t>&,
    const std::function<result<void>(strided<std::int32_t>, const run_options&)>&, effort);
template void expect_everywhere<float>(const std::string&, index_t, index_t, const std::vector<float>&,
                                       const std::function<result<void>(strided<float>, const run_options&)>&, effort);
template void expect_everywhere<std::uint8_t>(
    const std::string&, index_t, index_t, const std::vector<std::uint8_t>&,
    const std::function<result<void>(strided<std::uint8_t>, const run_options&)>&, effort);
template void expect_everywhere<std::int8_t>(
    const std::string&, index_t, index_t, const std::vector<std::int8_t>&,
    const std::function<result<void>(strided<std::int8_t>, const run_options&)>&, effort);

void check_product(const activations& x, const weights& w, std::mt19937& random, effort e) {
  trial t(x, w, random, e);
  t.sums();
  t.reals();
  t.codes();
}

void check_schemes(const scheme& x, const scheme& w) {
  std::mt19937 random(7);
  const index_t group = w.per == dyadic::granularity::per_group ? w.group : 1;
  for (const shape& s : shapes()) {
    const index_t k = dyadic::round_up(s.k, group);
    check_product(*make_x(x, s.m, k, fill::random, random), *make_w(w, s.n, k, fill::random, random), random);
    if (testing::Test::HasFatalFailure()) return;
  }
  const index_t k = dyadic::round_up(37, group);
  for (const fill of_x : {fill::lowest, fill::highest, fill::ends})
    for (const fill of_w : {fill::lowest, fill::highest, fill::ends, fill::halves}) {
      check_product(*make_x(x, 7, k, of_x, random), *make_w(w, 18, k, of_w, random), random);
      if (testing::Test::HasFatalFailure()) return;
    }
}

}  // namespace product
