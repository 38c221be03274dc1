// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products touch nothing outside their operands: every array stands against a page that cannot be touched.
#include <dyadic/kernels/convolution.hpp>
#include <dyadic/kernels/reference/convolution.hpp>
#include <dyadic/kernels/reference/gemm.hpp>

#include "kernels/product.hpp"
#include "support/guarded.hpp"

namespace {

using namespace dyadic;
using product::fill, product::shape;
using support::against, support::guarded;

constexpr against both[] = {against::first_page, against::last_page};

template <class T>
std::vector<T> sized(index_t rows, index_t cols) {
  return std::vector<T>(static_cast<std::size_t>(rows * cols));
}

/// The elements of a guarded y are `expected`, bit for bit.
template <class T>
void expect_same(const guarded<T>& y, const std::vector<T>& expected, const std::string& what) {
  ASSERT_EQ(y.size(), expected.size());
  if (!expected.empty()) {
    ASSERT_EQ(std::memcmp(y.data(), expected.data(), expected.size() * sizeof(T)), 0) << what;
  }
}

/// x by w into reals and codes; rows of x stand `gap` bytes apart more than they need.
template <scheme X, scheme W>
void check(const shape& s, index_t gap) {
  std::mt19937 random(static_cast<unsigned>(s.m * 100 + s.n * 10 + s.k));
  const auto plain = product::operand<X>(s.m, s.k, fill::random, random);
  const auto w = product::operand<W>(s.n, s.k, fill::random, random);
  const auto packed = pack(w);
  const std::vector<float> bias = product::numbers(s.n, 1.0f, random);
  std::vector<float> reals = sized<float>(s.m, s.n);
  reference::gemm(plain.view(), w.view(), reference::reals{.bias = bias}, strided<float>(reals.data(), s.m, s.n));

  for (const against where : both) {
    auto view = plain.view();
    view.row_stride = s.k + gap;
    const guarded<std::uint8_t> codes(static_cast<std::size_t>((s.m - 1) * view.row_stride + s.k), where);
    for (index_t i = 0; i < s.m; ++i)
      std::memcpy(codes.data() + i * view.row_stride, plain.row(i), static_cast<std::size_t>(s.k));
    const guarded<float> scales(plain.params().scales(), where), biases(std::span<const float>(bias), where);
    const guarded<std::int32_t> zero_points(plain.params().zero_points(), where);
    view.bytes = codes.data();
    view.scales = scales.elements();
    view.zero_points = zero_points.elements();
    const auto e = epilogue::dequantize{} | epilogue::add_bias{biases.elements()};
    support::for_each_isa([&](const std::string& isa) {
      for (const int threads : {1, 3}) {
        const guarded<float> y(reals.size(), where);
        gemm(view, packed, e, strided<float>(y.data(), s.m, s.n), run_options{product::threads(threads), nullptr});
        ASSERT_NO_FATAL_FAILURE(expect_same(y, reals, isa));
        if (X.per != granularity::per_tensor) continue;

        const reference::codes r{.scale = 0.01f, .zero_point = 100, .bias = bias};
        std::vector<std::uint8_t> expected = sized<std::uint8_t>(s.m, s.n);
        reference::gemm(plain.view(), w.view(), r, strided<std::uint8_t>(expected.data(), s.m, s.n));
        const auto how =
            requantization::try_make(scales.data()[0], packed, biases.elements(), u8_per_tensor, 0.01f, 100);
        ASSERT_TRUE(how);
        const guarded<std::uint8_t> out(expected.size(), where);
        gemm(view, packed, epilogue::requantize{*how}, strided<std::uint8_t>(out.data(), s.m, s.n),
             run_options{product::threads(threads), nullptr});
        ASSERT_NO_FATAL_FAILURE(expect_same(out, expected, isa));
      }
    });
  }
}

constexpr shape tried[] = {{1, 1, 1}, {1, 17, 3}, {6, 16, 64}, {7, 15, 33}, {13, 65, 5}, {40, 3, 129}};

TEST(GemmMemory, EightBits) {
  for (const shape& s : tried) check<u8_per_tensor, s8_per_row>(s, 0);
  for (const shape& s : tried) check<s8_asymmetric_per_row, u8_per_row>(s, 3);
}
TEST(GemmMemory, FourBits) {
  for (const shape& s : tried) check<u8_per_row, u4_per_row>(s, 0);
  for (const shape& s : tried) check<u8_per_tensor, s4_per_group<6>>({s.m, s.n, round_up(s.k, 6)}, 1);
}

TEST(GemmMemory, Reals) {
  std::mt19937 random(2);
  for (const shape& s : tried) {
    const auto x = product::numbers(s.m * s.k, 1.0f, random), w = product::numbers(s.n * s.k, 1.0f, random);
    const auto bias = product::numbers(s.n, 1.0f, random);
    std::vector<float> expected = sized<float>(s.m, s.n);
    reference::gemm({x.data(), s.m, s.k}, {w.data(), s.n, s.k}, {.bias = bias}, {expected.data(), s.m, s.n});
    const auto packed = pack(strided<const float>(w.data(), s.n, s.k));
    for (const against where : both) {
      const guarded<float> from(std::span<const float>(x), where), biases(std::span<const float>(bias), where);
      support::for_each_isa([&](const std::string& isa) {
        const guarded<float> y(expected.size(), where);
        gemm(strided<const float>(from.data(), s.m, s.k), packed,
             epilogue::dequantize{} | epilogue::add_bias{biases.elements()}, strided<float>(y.data(), s.m, s.n));
        ASSERT_NO_FATAL_FAILURE(expect_same(y, expected, isa));
      });
    }
  }
}

TEST(GemmMemory, Convolution) {
  std::mt19937 random(5);
  const window taps{.size = {3, 2}, .stride = {2, 1}, .padding = {1, 1}};
  for (const index_t channels : {1, 3, 16, 17}) {
    const image_shape shape{2, 5, 4, channels};
    const index_t rows = 2 * taps.out_height(5) * taps.out_width(4), depth = 6 * channels, n = 19;
    const auto w = product::operand<s8_per_row>(n, depth, fill::random, random);
    const auto real_w = product::numbers(n * depth, 1.0f, random);
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(shape.size()));
    for (auto& c : codes) c = static_cast<std::uint8_t>(random());
    const auto reals = product::numbers(shape.size(), 1.0f, random);
    const float scales[] = {0.02f, 0.03f};
    const std::int32_t zero_points[] = {7, 200};
    const auto packed = *try_pack_groups(w.view(), 1);
    const auto packed_real = *try_pack_groups(strided<const float>(real_w.data(), n, depth), 1);
    std::vector<float> expected = sized<float>(rows, n), expected_real = expected;
    reference::conv2d(codes.data(), shape, scales, zero_points, taps, w.view(), 1, reference::reals{},
                      strided<float>(expected.data(), rows, n));
    reference::conv2d(reals.data(), shape, taps, {real_w.data(), n, depth}, 1, {}, {expected_real.data(), rows, n});
    for (const against where : both) {
      const guarded<std::uint8_t> from(std::span<const std::uint8_t>(codes), where);
      const guarded<float> from_real(std::span<const float>(reals), where);
      support::for_each_isa([&](const std::string& isa) {
        const guarded<float> y(expected.size(), where), real_y(expected.size(), where);
        ASSERT_TRUE(try_conv2d(image_codes{from.data(), shape, scales, zero_points}, taps, packed,
                               epilogue::dequantize{}, strided<float>(y.data(), rows, n)));
        ASSERT_NO_FATAL_FAILURE(expect_same(y, expected, isa));
        ASSERT_TRUE(try_conv2d(from_real.data(), shape, taps, packed_real, {}, strided<float>(real_y.data(), rows, n)));
        ASSERT_NO_FATAL_FAILURE(expect_same(real_y, expected_real, isa));
      });
    }
  }
}

}  // namespace
