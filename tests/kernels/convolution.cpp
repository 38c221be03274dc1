// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution equals its definition, bit for bit: windows, groups, channels, params an image, threads, instruction
// sets.
#include <dyadic/kernels/convolution.hpp>

#include <cmath>

#include <dyadic/kernels/reference/convolution.hpp>
#include <dyadic/quantize/quantize.hpp>
#include <dyadic/scheme/name.hpp>

#include "kernels/product.hpp"
#include "support/data.hpp"

namespace convolution_test {

using namespace dyadic;
using product::effort, product::fill;
using support::text_of;

struct geometry {
  image_shape shape;
  window taps;
  index_t groups, out;  ///< out: channels of y
};

std::string name_of(const geometry& g) {
  std::string s;
  for (const index_t v : {g.shape.images, g.shape.height, g.shape.width, g.shape.channels})
    s += std::to_string(v) + " x ";
  s += "window " + std::to_string(g.taps.size.height) + " x " + std::to_string(g.taps.size.width);
  return s + ", groups " + std::to_string(g.groups) + ", out " + std::to_string(g.out);
}

/// Channels 1, 2, 3, 5, 16, 17, 33; 1 x 1 and larger; strides, paddings on the image's edge and beyond, dilations;
/// groups of channels down to one each; more windows than a block holds; no window at all, no image at all.
std::vector<geometry> geometries() {
  return {
      {{1, 5, 5, 1}, {.size = {3, 3}}, 1, 1},
      {{2, 6, 7, 2}, {.size = {3, 2}, .stride = {2, 3}, .padding = {1, 1}}, 1, 5},
      {{1, 9, 8, 3}, {.size = {3, 3}, .padding = {1, 1}, .dilation = {2, 2}}, 1, 17},
      {{2, 4, 5, 5}, {}, 1, 16},
      {{1, 7, 6, 16}, {.size = {5, 3}, .padding = {2, 1}}, 1, 3},
      {{3, 3, 4, 17}, {.size = {2, 2}, .stride = {1, 2}}, 1, 33},
      {{1, 4, 4, 33}, {.size = {3, 3}, .padding = {3, 4}}, 1, 2},  // whole windows of padding
      {{1, 6, 5, 4}, {.size = {3, 3}, .padding = {1, 1}}, 2, 6},
      {{2, 5, 5, 6}, {.size = {2, 3}, .stride = {2, 1}, .padding = {0, 1}}, 3, 9},
      {{1, 8, 7, 5}, {.size = {3, 3}, .padding = {1, 1}}, 5, 5},  // depthwise
      {{2, 4, 4, 16}, {.size = {3, 3}, .padding = {1, 1}, .dilation = {1, 2}}, 16, 32},
      {{1, 30, 31, 1}, {.size = {5, 5}, .padding = {2, 2}}, 1, 8},
      {{1, 1, 1, 3}, {.size = {1, 1}}, 1, 1},
      {{1, 2, 2, 3}, {.size = {3, 3}}, 1, 4},  // no window fits
      {{0, 5, 5, 3}, {.size = {3, 3}}, 1, 4},
      {{1, 1, 9, 2}, {.size = {1, 9}, .padding = {0, 8}, .dilation = {1, 2}}, 1, 2},
  };
}

index_t rows_of_y(const geometry& g) {
  return g.shape.images * g.taps.out_height(g.shape.height) * g.taps.out_width(g.shape.width);
}
index_t depth_of(const geometry& g) { return g.taps.size.height * g.taps.size.width * (g.shape.channels / g.groups); }

std::vector<std::uint8_t> random_codes(index_t n, std::mt19937& random) {
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(n));
  for (auto& c : codes)
    c = random() % 8 == 0 ? static_cast<std::uint8_t>(random() % 2 * 255) : static_cast<std::uint8_t>(random());
  return codes;
}

template <class T, class E, scheme W>
std::vector<T> expected_of(const image_codes& x, const geometry& g, const quantized_view<W>& w, const E& e) {
  std::vector<T> y(static_cast<std::size_t>(rows_of_y(g) * g.out));
  reference::conv2d(x.codes, x.shape, x.scales, x.zero_points, g.taps, w, g.groups, e,
                    strided<T>(y.data(), rows_of_y(g), g.out));
  return y;
}

/// All epilogues of one geometry; per_image: each image has its own scale and zero point.
template <scheme W>
void check(const geometry& g, bool per_image, effort e = effort::in_turns) {
  std::mt19937 random(static_cast<unsigned>(g.out * 7 + g.shape.channels));
  const auto codes = random_codes(g.shape.size(), random);
  const auto params_count = static_cast<std::size_t>(per_image ? g.shape.images : 1);
  std::vector<float> scales(params_count);
  std::vector<std::int32_t> zero_points(params_count);
  for (std::size_t i = 0; i < params_count; ++i) {
    scales[i] = 0x1p-10f + static_cast<float>(random() >> 8) * 0x1p-32f;
    zero_points[i] = static_cast<std::int32_t>(random() % 256);
  }
  const image_codes x{codes.data(), g.shape, scales, zero_points};
  const auto w = product::operand<W>(g.out, depth_of(g), fill::random, random);
  const auto packed = try_pack_groups(w.view(), g.groups);
  ASSERT_TRUE(packed) << text_of(packed);
  ASSERT_EQ(packed->rows(), g.out);
  const float typical = std::sqrt(static_cast<float>(depth_of(g)) + 1.0f) * 0x1p-4f;
  const auto bias = product::numbers(g.out, typical, random);
  const std::string what = std::string(scheme_name(W).c_str()) + ", " + name_of(g);
  const auto everywhere = [&]<class T, class E>(const std::vector<T>& expected, const E& how) {
    product::expect_everywhere<T>(
        what, rows_of_y(g), g.out, expected,
        [&](strided<T> y, const run_options& options) { return try_conv2d(x, g.taps, *packed, how, y, options); }, e);
  };

  everywhere(expected_of<float>(x, g, w.view(), reference::reals{.bias = bias, .low = 0.0f}),
             epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::relu{});
  everywhere(expected_of<float>(x, g, w.view(), reference::reals{}), epilogue::dequantize{});
  if (W.per != granularity::per_group || groups_in_row(W, depth_of(g)) <= 1)
    everywhere(expected_of<std::int32_t>(x, g, w.view(), reference::sums{}), epilogue::sums{});
  if (per_image && g.shape.images != 1) return;

  const reference::codes r{.scale = typical / 64.0f, .zero_point = 120, .bias = bias, .relu = true};
  std::vector<requantization> how;
  const auto rows = static_cast<std::size_t>(g.out / g.groups);
  for (std::size_t i = 0; i < static_cast<std::size_t>(g.groups); ++i) {
    auto made = requantization::try_make(scales[0], packed->parts[i], std::span(bias).subspan(i * rows, rows),
                                         u8_per_tensor, r.scale, r.zero_point);
    ASSERT_TRUE(made) << text_of(made);
    how.push_back(std::move(*made));
  }
  everywhere(expected_of<std::uint8_t>(x, g, w.view(), r), epilogue::requantize_groups{how, true});
  everywhere(expected_of<float>(x, g, w.view(), reference::unrounded{r}), epilogue::unrounded_groups{how});
}

TEST(Convolution, EightBits) {
  for (const geometry& g : geometries()) {
    check<s8_per_row>(g, false);
    check<u8_per_row>(g, true);
    if (HasFatalFailure()) return;
  }
}
TEST(Convolution, FourBits) {
  for (const geometry& g : geometries()) {
    check<s4_per_row>(g, true);
    check<u4_per_row>(g, false);
    if (HasFatalFailure()) return;
  }
}
TEST(Convolution, Groups) {
  for (const geometry& g : geometries()) {
    if (depth_of(g) % 9 == 0) check<s4_per_group<9>>(g, false);
    if (depth_of(g) % 2 == 0) check<u4_per_group<2>>(g, true);
    if (HasFatalFailure()) return;
  }
}
TEST(Convolution, EveryThreadCountInEveryLayout) {
  check<s8_per_row>({{2, 9, 9, 3}, {.size = {3, 3}, .padding = {1, 1}}, 1, 20}, true, effort::every);
  check<s4_per_row>({{1, 6, 6, 8}, {.size = {3, 3}, .padding = {1, 1}}, 2, 70}, false, effort::every);
}

TEST(Convolution, Reals) {
  std::mt19937 random(9);
  for (const geometry& g : geometries()) {
    const auto x = product::numbers(g.shape.size(), 2.0f, random),
               w = product::numbers(g.out * depth_of(g), 1.0f, random), bias = product::numbers(g.out, 1.0f, random);
    const strided<const float> matrix(w.data(), g.out, depth_of(g));
    const auto packed = try_pack_groups(matrix, g.groups);
    ASSERT_TRUE(packed);
    const std::pair<reference::reals, epilogue::bounded_reals> epilogues[] = {
        {{}, {}}, {{.bias = bias, .low = 0.0f}, epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::relu{}}};
    for (const auto& [r, e] : epilogues) {
      std::vector<float> expected(static_cast<std::size_t>(rows_of_y(g) * g.out));
      reference::conv2d(x.data(), g.shape, g.taps, matrix, g.groups, r, {expected.data(), rows_of_y(g), g.out});
      product::expect_everywhere<float>("reals, " + name_of(g), rows_of_y(g), g.out, expected,
                                        [&, how = e](strided<float> y, const run_options& options) {
                                          return try_conv2d(x.data(), g.shape, g.taps, *packed, how, y, options);
                                        });
      if (HasFatalFailure()) return;
    }
  }
}

/// A 1 x 1 convolution is gemm on the pixels.
// A signed code and the unsigned one 128 above it are the same number when their zero points are 128 apart too.
TEST(Convolution, SignedCodesAreUnsignedOnesShifted) {
  constexpr image_shape shape{2, 6, 5, 20};
  constexpr window taps{.size = {3, 3}, .stride = {1, 2}, .padding = {1, 1}};
  constexpr index_t out = 19, depth = 9 * 20, rows = 2 * 6 * 3;
  std::vector<std::uint8_t> x(static_cast<std::size_t>(shape.size())), shifted(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<std::uint8_t>(i * 37 % 256);
    shifted[i] = static_cast<std::uint8_t>(x[i] ^ 128);
  }
  std::vector<float> w(static_cast<std::size_t>(out * depth));
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(static_cast<int>(i * 29 % 255) - 127);
  const auto check = [&](const auto& codes) {
    const auto packed = try_pack_groups(codes.view(), 1).value();
    const float scales[] = {0.5F, 0.25F};
    const std::int32_t zeros[] = {3, 250}, signed_zeros[] = {3 - 128, 250 - 128};
    support::for_each_isa([&](const std::string& isa) {
      std::vector<float> y(static_cast<std::size_t>(rows * out)), signed_y(y.size());
      const strided<float> to(y.data(), rows, out), signed_to(signed_y.data(), rows, out);
      ASSERT_TRUE(try_conv2d({x.data(), shape, scales, zeros}, taps, packed, epilogue::dequantize{}, to));
      ASSERT_TRUE(try_conv2d({shifted.data(), shape, scales, signed_zeros, true}, taps, packed, epilogue::dequantize{},
                             signed_to));
      EXPECT_EQ(y, signed_y) << isa;
    });
  };
  const strided<const float> weights(w.data(), out, depth);
  check(quantize<s8_per_row>(weights));
  check(quantize<u4_per_group<20>>(weights));

  // Codes of either sign out: one is the other 128 lower.
  const auto packed = try_pack_groups(quantize<s8_per_row>(weights).view(), 1).value();
  const float scale[] = {0.5F};
  const std::int32_t zero[] = {7};
  std::vector<requantization> to_unsigned, to_signed;
  to_unsigned.push_back(requantization::try_make(0.5F, packed.parts[0], {}, u8_per_tensor, 999.0F, 130).value());
  to_signed.push_back(requantization::try_make(0.5F, packed.parts[0], {}, s8_asymmetric_per_tensor, 999.0F, 2).value());
  std::vector<std::uint8_t> y(static_cast<std::size_t>(rows * out));
  std::vector<std::int8_t> signed_y(y.size());
  const image_codes in{x.data(), shape, scale, zero};
  const strided<std::uint8_t> to(y.data(), rows, out);
  const strided<std::int8_t> signed_to(signed_y.data(), rows, out);
  ASSERT_TRUE(try_conv2d(in, taps, packed, epilogue::requantize_groups{to_unsigned}, to));
  ASSERT_TRUE(try_conv2d(in, taps, packed, epilogue::requantize_groups{to_signed}, signed_to));
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i] - 128, signed_y[i]) << i;
  EXPECT_EQ(text_of(try_conv2d(in, taps, packed, epilogue::requantize_groups{to_signed}, to)),
            "conv2d: y is unsigned, the requantization makes signed codes");
}

TEST(Convolution, OneByOneIsGemm) {
  std::mt19937 random(10);
  const auto x = product::operand<u8_per_tensor>(12, 7, fill::random, random);
  const auto w = product::operand<s8_per_row>(5, 7, fill::random, random);
  std::vector<float> a(60), b(60);
  gemm(x, pack(w), epilogue::dequantize{}, strided<float>(a.data(), 12, 5));
  const image_codes image{x.bytes(), {1, 3, 4, 7}, x.params().scales(), x.params().zero_points()};
  ASSERT_TRUE(try_conv2d(image, window{}, *try_pack_groups(w.view(), 1), epilogue::dequantize{},
                         strided<float>(b.data(), 12, 5)));
  EXPECT_EQ(a, b);
}

struct ConvolutionErrors : testing::Test {
  std::mt19937 random{1};
  geometry g{{2, 5, 4, 4}, {.size = {3, 2}}, 2, 6};
  std::vector<std::uint8_t> memory = random_codes(g.shape.size(), random);
  std::vector<float> scales{0.1f, 0.2f};
  std::vector<std::int32_t> zero_points{3, 4};
  quantized<s8_per_row> weights = product::operand<s8_per_row>(6, 12, fill::random, random);
  packed_groups<packed_weights> w = std::move(*try_pack_groups(weights.view(), 2));
  std::vector<float> reals = std::vector<float>(18 * 6, 77.0f);
  strided<float> y{reals.data(), 18, 6};
  image_codes x{memory.data(), g.shape, scales, zero_points};

  std::string refused(const image_codes& from, const window& taps) {
    return text_of(try_conv2d(from, taps, w, epilogue::dequantize{}, y));
  }
  void TearDown() override { EXPECT_EQ(reals, std::vector<float>(18 * 6, 77.0f)); }
};

TEST_F(ConvolutionErrors, Shapes) {
  auto odd = x;
  odd.shape.channels = 5;
  EXPECT_EQ(refused(odd, g.taps), "conv2d: 2 groups do not divide 5 input and 6 output channels");
  EXPECT_EQ(refused(x, {.size = {3, 3}}), "conv2d: weights have 12 columns, 3 x 3 taps of 2 channels expect 18");
  EXPECT_EQ(refused(x, {.size = {3, 2}, .stride = {0, 1}}),
            "conv2d: size, stride or dilation of 0, expected 1 to 1048576");
  EXPECT_EQ(refused(x, {.size = {3, 2}, .stride = {2, 1}}), "conv2d: y is 18 x 6, expected 12 x 6");
  auto negative = x;
  negative.shape.height = -5;
  EXPECT_EQ(refused(negative, g.taps), "conv2d: x: image of 2 x -5 x 4 x 4, expected sizes >= 0");
  auto none = x;
  none.codes = nullptr;
  EXPECT_EQ(refused(none, g.taps), "conv2d: x: null data for 1 x 160 elements");
  // Taps times channels beyond any index: an error, not a wrap.
  auto huge = x;
  huge.shape = {0, 1, 1, index_t{1} << 40};
  EXPECT_EQ(refused(huge, {.size = {1 << 20, 1 << 20}}),
            "size: 1099511627776 x 549755813888 exceeds 9223372036854775807");
  EXPECT_EQ(text_of(try_conv2d(x, g.taps, w, epilogue::dequantize{}, strided<float>(reals.data(), 18, 6, 5, 1))),
            "conv2d: y: strides 5 and 1 make elements of a 18 x 6 output share memory");
}

TEST_F(ConvolutionErrors, Params) {
  auto wrong = x;
  const std::vector<float> three(3, 1.0f), bad{1.0f, 0.0f};
  const std::vector<std::int32_t> far{0, -1};
  wrong.scales = three;
  EXPECT_EQ(refused(wrong, g.taps), "conv2d: 3 scales and 2 zero points for 2 images, expected 1 or 2 of each");
  wrong = x;
  wrong.zero_points = {};
  EXPECT_EQ(refused(wrong, g.taps), "conv2d: 2 scales and 0 zero points for 2 images, expected 1 or 2 of each");
  wrong = x;
  wrong.scales = bad;
  EXPECT_EQ(refused(wrong, g.taps), "params: scale 1 is 0, expected a number in [2^-126, 2^126]");
  wrong = x;
  wrong.zero_points = far;
  EXPECT_EQ(refused(wrong, g.taps), "params: zero point 1 is -1, expected a code in [0, 255]");
}

TEST_F(ConvolutionErrors, Epilogues) {
  const std::vector<float> three(3);
  EXPECT_EQ(text_of(try_conv2d(x, g.taps, w, epilogue::dequantize{} | epilogue::add_bias{three}, y)),
            "conv2d: bias of 3 for 6 output channels, expected 6 or none");
  const std::vector<requantization> one(1);
  std::vector<std::uint8_t> codes(18 * 6);
  EXPECT_EQ(
      text_of(try_conv2d(x, g.taps, w, epilogue::requantize_groups{one}, strided<std::uint8_t>(codes.data(), 18, 6))),
      "conv2d: 1 requantizations for 2 groups");
  EXPECT_EQ(text_of(try_conv2d(x, g.taps, w, epilogue::dequantize{} | epilogue::clamp{1.0f, 0.0f}, y)),
            "gemm: clamp to [1, 0], expected low <= high");
}

TEST_F(ConvolutionErrors, Overlap) {
  std::vector<float> shared(18 * 6 + 160);
  auto inside = x;
  inside.codes = reinterpret_cast<const std::uint8_t*>(shared.data() + 18 * 6) - 1;
  EXPECT_EQ(text_of(try_conv2d(inside, g.taps, w, epilogue::dequantize{}, strided<float>(shared.data(), 18, 6))),
            "conv2d: y of 18 x 6 shares memory with x");
}

TEST_F(ConvolutionErrors, Reals) {
  const std::vector<float> from(160), weights_of(6 * 12), five(5);
  const auto packed = *try_pack_groups(strided<const float>(weights_of.data(), 6, 12), 2);
  const auto refusal = [&](const float* at, const window& taps, const epilogue::bounded_reals& e, strided<float> out) {
    return text_of(try_conv2d(at, g.shape, taps, packed, e, out));
  };
  EXPECT_EQ(refusal(from.data(), {.size = {2, 2}}, {}, y),
            "conv2d: weights have 12 columns, 2 x 2 taps of 2 channels expect 8");
  EXPECT_EQ(refusal(from.data(), g.taps, {}, strided<float>(reals.data(), 17, 6)),
            "conv2d: y is 17 x 6, expected 18 x 6");
  EXPECT_EQ(refusal(nullptr, g.taps, {}, y), "conv2d: x: null data for 1 x 160 elements");
  EXPECT_EQ(refusal(from.data(), g.taps, epilogue::dequantize{} | epilogue::add_bias{five}, y),
            "conv2d: bias of 5 for 6 output channels, expected 6 or none");
  EXPECT_EQ(refusal(from.data(), g.taps, epilogue::bounded_reals{} | epilogue::clamp{1.0f, 0.0f}, y),
            "gemm: clamp to [1, 0], expected low <= high");
  EXPECT_EQ(refusal(reals.data() + 1, g.taps, {}, y), "conv2d: y of 18 x 6 shares memory with x");
}

TEST_F(ConvolutionErrors, PackInGroups) {
  EXPECT_EQ(text_of(try_pack_groups(weights.view(), 4)), "pack: 4 groups do not divide 6 rows");
  EXPECT_EQ(text_of(try_pack_groups(weights.view(), 0)), "pack: 0 groups do not divide 6 rows");
  auto view = weights.view();
  view.scales = view.scales.first(5);
  EXPECT_EQ(text_of(try_pack_groups(view, 2)), "quantized: 5 scales for a 6 x 12 matrix, expected 6");
  EXPECT_EQ(text_of(try_pack_groups(strided<const float>(nullptr, 6, 2), 3)), "pack: null data for 6 x 2 elements");
  EXPECT_EQ(text_of(try_pack_groups(strided<const float>(reals.data(), 6, 2), 4)),
            "pack: 4 groups do not divide 6 rows");
  EXPECT_EQ(w.model_bytes(), pack(weights).model_bytes());
}

}  // namespace convolution_test
