// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution, one image, one thread: conv2d/<types>/<instruction set>/<layer>.
//
//   u8s8u8  codes to codes, requantized with bias        u8s4g32f32  4-bit weights in groups of 32, to floats
//   f32     floats
//   layer   <height>x<width>x<channels>_<out>_<taps>, "dw" for one group a channel
#include <dyadic/kernels/convolution.hpp>
#include <dyadic/kernels/reference/convolution.hpp>

#include <cmath>

#include "harness/problem.hpp"

namespace {

using namespace dyadic;

struct layer {
  const char* name;
  image_shape x;
  index_t out;
  window taps;
  index_t groups = 1;

  index_t depth() const { return taps.size.height * taps.size.width * x.channels / groups; }
  image_shape y() const { return {x.images, taps.out_height(x.height), taps.out_width(x.width), out}; }
  double operations() const { return 2.0 * static_cast<double>(y().size()) * static_cast<double>(depth()); }
};

constexpr window three_by_three{.size = {3, 3}, .stride = {1, 1}, .padding = {1, 1}, .dilation = {1, 1}};

/// Those of a small classifier, of ResNet-50 and of MobileNet.
constexpr layer layers[] = {{"28x28x1_32_3x3", {1, 28, 28, 1}, 32, three_by_three},
                            {"14x14x32_64_3x3", {1, 14, 14, 32}, 64, three_by_three},
                            {"56x56x64_64_3x3", {1, 56, 56, 64}, 64, three_by_three},
                            {"28x28x128_128_3x3", {1, 28, 28, 128}, 128, three_by_three},
                            {"14x14x256_256_3x3", {1, 14, 14, 256}, 256, three_by_three},
                            {"7x7x512_512_3x3", {1, 7, 7, 512}, 512, three_by_three},
                            {"56x56x64_256_1x1", {1, 56, 56, 64}, 256, {}},
                            {"112x112x32_dw_3x3", {1, 112, 112, 32}, 32, three_by_three, 32},
                            {"14x14x512_dw_3x3", {1, 14, 14, 512}, 512, three_by_three, 512}};

/// Which output channels to compare in full: all of a grouped convolution; of another the first, one inside and the
/// last.
std::vector<index_t> channels_to_check(const layer& l) {
  std::vector<index_t> all;
  for (index_t o = 0; o < l.out; ++o)
    if (l.groups > 1 || o == 0 || o == l.out / 2 || o == l.out - 1) all.push_back(o);
  return all;
}

/// Whether the channels to check are those of the reference, bit for bit. define(first, count, expected) computes
/// channels [first, first + count).
template <class T, class Define>
bool holds(const layer& l, const std::vector<T>& y, Define define) {
  const index_t pixels = l.y().pixels();
  const bool whole = l.groups > 1;
  const index_t width = whole ? l.out : 1;
  std::vector<T> expected(static_cast<std::size_t>(pixels * width));
  if (whole) define(index_t{0}, l.out, strided<T>(expected.data(), pixels, width));
  for (const index_t o : channels_to_check(l)) {
    if (!whole) define(o, index_t{1}, strided<T>(expected.data(), pixels, width));
    for (index_t p = 0; p < pixels; ++p)
      if (!harness::same_bits(y[static_cast<std::size_t>(p * l.out + o)],
                              expected[static_cast<std::size_t>(p * width + (whole ? o : 0))]))
        return false;
  }
  return true;
}

std::span<const float> part(const std::vector<float>& all, index_t first, index_t count) {
  return std::span<const float>(all).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

template <scheme W, class T>
void convolve_codes(benchmark::State& state, const std::string& isa, const layer& l) {
  const harness::forced_isa forced(isa);
  const auto x = harness::operand<u8_per_tensor>(l.x.images * l.x.height * l.x.width, l.x.channels, 1);
  const auto w = harness::operand<W>(l.out, l.depth(), 2);
  const auto packed = try_pack_groups(w.view(), l.groups).value();
  const std::vector<float> bias = harness::numbers(l.out, 3);
  std::vector<T> y(static_cast<std::size_t>(l.y().size()));
  const strided<T> out(y.data(), l.y().pixels(), l.out);
  const image_codes codes{x.view().bytes, l.x, x.params().scales(), x.params().zero_points()};
  workspace memory;
  const run_options options{{}, &memory};
  const harness::work work{l.operations(), 0, harness::integer_peak(isa)};

  const auto measure = [&](const auto& epilogue, const auto& definition) {
    const auto run = [&] { try_conv2d(codes, l.taps, packed, epilogue, out, options).value(); };
    const auto define = [&](index_t first, index_t count, strided<T> expected) {
      auto e = definition;
      e.bias = part(bias, first, count);
      reference::conv2d(codes.codes, l.x, codes.scales, codes.zero_points, l.taps, rows_of(w.view(), first, count),
                        l.groups, e, expected);
    };
    run();
    harness::time(state, holds(l, y, define), work, run);
  };
  if constexpr (std::is_same_v<T, float>) {
    const epilogue::bounded_reals how = epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::relu{};
    measure(how, reference::reals{.low = 0.0f});
  } else {
    const float y_scale = std::sqrt(static_cast<float>(l.depth())) / 32.0f;  // 255 steps hold eight standard deviations
    std::vector<requantization> how;
    const index_t rows = l.out / l.groups;
    for (index_t g = 0; g < l.groups; ++g)
      how.push_back(requantization::try_make(x.params().scale(), packed.parts[static_cast<std::size_t>(g)],
                                             part(bias, g * rows, rows), u8_per_tensor, y_scale, 128)
                        .value());
    measure(epilogue::requantize_groups{how}, reference::codes{.scale = y_scale, .zero_point = 128});
  }
}

void convolve_reals(benchmark::State& state, const std::string& isa, const layer& l) {
  const harness::forced_isa forced(isa);
  const std::vector<float> x = harness::numbers(l.x.size(), 1), w = harness::numbers(l.out * l.depth(), 2);
  const std::vector<float> bias = harness::numbers(l.out, 3);
  const auto packed = try_pack_groups(strided<const float>(w.data(), l.out, l.depth()), l.groups).value();
  std::vector<float> y(static_cast<std::size_t>(l.y().size()));
  const strided<float> out(y.data(), l.y().pixels(), l.out);
  workspace memory;
  const run_options options{{}, &memory};
  const epilogue::bounded_reals how = epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::relu{};

  const auto run = [&] { try_conv2d(x.data(), l.x, l.taps, packed, how, out, options).value(); };
  const auto define = [&](index_t first, index_t count, strided<float> expected) {
    reference::conv2d(x.data(), l.x, l.taps, {w.data() + first * l.depth(), count, l.depth()}, l.groups,
                      reference::reals{.bias = part(bias, first, count), .low = 0.0f}, expected);
  };
  run();
  harness::time(state, holds(l, y, define), {l.operations(), 0, harness::float_peak(isa)}, run);
}

[[maybe_unused]] const bool registered = [] {
  for (const std::string& isa : harness::isas()) {
    for (const layer& l : layers)
      harness::add("conv2d/u8s8u8/" + isa + "/" + l.name, convolve_codes<s8_per_row, std::uint8_t>, isa, l);
    for (const layer& l : layers)
      if (l.depth() % 32 == 0)
        harness::add("conv2d/u8s4g32f32/" + isa + "/" + l.name, convolve_codes<s4_per_group<32>, float>, isa, l);
    for (const layer& l : layers) harness::add("conv2d/f32/" + isa + "/" + l.name, convolve_reals, isa, l);
  }
  return true;
}();

}  // namespace
