// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The digest of a plan: one number everywhere, and another one for every single change of what the plan computes.
#include <dyadic/trust/digest.hpp>

#include <array>
#include <cmath>
#include <functional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "support/isas.hpp"
#include "support/networks.hpp"

namespace digest_test {

using dyadic::batch;
using dyadic::digest;
using dyadic::digest_context;
using dyadic::digest_of;
using dyadic::index_t;
using dyadic::recipe;
using dyadic::sha256;
using dyadic::site;
using dyadic::window;

std::string hex(const digest& d) { return d.hex().c_str(); }

/// Numbers a test may change before the network is made.
struct numbers {
  std::vector<float> convolution, convolution_bias, last, last_bias;
  window taps{.size = {3, 3}, .padding = {1, 1}};
  const char* name = "first";

  numbers() {
    support::integers random(31415926);
    convolution = random.reals(8 * 9, 1.0F), convolution_bias = random.reals(8, 0.5F);
    last = random.reals(5 * 32, 0.5F), last_bias = random.reals(5, 0.5F);
  }
};

struct network {
  dyadic::conv2d first;
  dyadic::linear last;
  explicit network(const numbers& n)
      : first(
            std::move(*dyadic::conv2d::try_make({n.convolution.data(), 8, 9}, n.convolution_bias, n.taps, 1, n.name))),
        last(std::move(*dyadic::linear::try_make({n.last.data(), 5, 32}, n.last_bias, "last"))) {}
  template <class Tensor>
  Tensor operator()(Tensor x) const {
    return last(flatten(max_pool(relu(first(x)), {2, 2})));
  }
};

dyadic::plan make_plan(const numbers& n, const recipe& how = {}, float size = 2.0F) {
  support::integers random(27182818);
  const support::images x = support::make_images(random, 20, 4, 4, 1, size);
  return std::move(*dyadic::try_calibrate(network(n), std::array{x.all()}, how));
}

// Found once; every compiler, processor and instruction set must find it. The library of a later version makes this
// digest of an older one, too.
TEST(Digest, TheSameEverywhere) {
  digest_context then;
  then.version = {0, 1, 0};
  support::for_each_isa([&](const std::string& isa) {
    EXPECT_EQ(hex(digest_of(make_plan({}), then)), "ac4e0a46dae8df85f8fbb448484de6140c2e1c59da2a2945e4d04b465824247f")
        << isa;
  });
}

// Python: t = b"dyadic input"; sha256(pack("<q", len(t)) + t + pack("<4q", 1, 1, 2, 3) + pack("<6f", *pixels)).
TEST(Digest, AnInputAsAnotherProgramHashesIt) {
  const float pixels[] = {0.0F, -0.0F, 1.5F, -2.25F, 1e-40F, 3.0F};
  EXPECT_EQ(hex(digest_of(batch{{pixels, 1, 6}, {1, 2}, 3}, 0)),
            "d24852e87e74da843589b7ca89f3f1e544756d1c4f8072dcc1c6f7521413822d");
}

TEST(Digest, EveryWeightBiasAndParamMatters) {
  const dyadic::plan original = make_plan({});
  std::set<std::string> seen{hex(digest_of(original))};
  const auto differs = [&](const dyadic::plan& p, const std::string& what) {
    EXPECT_TRUE(seen.insert(hex(digest_of(p))).second) << what;
  };
  // One weight by one step of its row, which leaves the row's largest, and so its scale, alone.
  const auto each_weight = [&](std::vector<float> numbers::*weights, index_t rows, const char* what) {
    const numbers n;
    const auto depth = (n.*weights).size() / static_cast<std::size_t>(rows);
    for (std::size_t i = 0; i < (n.*weights).size(); ++i) {
      float largest = 0;
      for (std::size_t k = 0; k < depth; ++k)
        largest = std::max(largest, std::abs((n.*weights)[i / depth * depth + k]));
      numbers changed;
      float& w = (changed.*weights)[i];
      w += (w > 0 ? -1.25F : 1.25F) * largest / 127.0F;
      differs(make_plan(changed), std::string(what) + std::to_string(i));
    }
  };
  each_weight(&numbers::convolution, 8, "convolution ");
  each_weight(&numbers::last, 5, "last ");
  for (std::size_t i = 0; i < 8; ++i) {
    numbers changed;
    changed.convolution_bias[i] += 0.0625F;
    differs(make_plan(changed), "convolution bias " + std::to_string(i));
  }
  for (std::size_t i = 0; i < 5; ++i) {
    numbers changed;
    changed.last_bias[i] += 0.0625F;
    differs(make_plan(changed), "last bias " + std::to_string(i));
  }
  numbers renamed, no_bias;
  renamed.name = "other";
  differs(make_plan(renamed), "name");
  no_bias.last_bias.clear();
  differs(make_plan(no_bias), "no bias");
  differs(make_plan({}, {}, 4.0F), "another calibration");
  differs(make_plan({}, {.percentile = 99.0}), "percentile");
  differs(make_plan({}, {.activations = dyadic::activation_scales::dynamic}), "dynamic");
  for (const dyadic::scheme& s : {dyadic::s8_narrow_per_tensor, dyadic::s4_per_row, dyadic::u4_per_row})
    differs(make_plan({}, {.weights = s}), dyadic::scheme_name(s).c_str());
  differs(make_plan({}, {.weights = dyadic::s4_per_row, .except = {{"first", dyadic::s8_per_row}}}), "one layer");
}

/// The digest of one thing that detail::write takes.
template <class T>
std::string written(const T& what) {
  sha256 hash;
  dyadic::detail::digest_writer to(hash);
  dyadic::detail::write(to, what);
  return hex(hash.finish());
}

TEST(Digest, EveryFieldOfASiteMatters) {
  site original;
  original.kind = dyadic::site_kind::conv2d;
  original.name = dyadic::label("name");
  original.size = {5, 6}, original.channels = 7;
  original.taps = {.size = {2, 3}, .stride = {4, 5}, .padding = {6, 7}, .dilation = {8, 9}};
  original.inputs[0] = 3;
  std::set<std::string> seen{written(original)};
  const std::pair<const char*, std::function<void(site&)>> changes[] = {
      {"kind", [](site& s) { s.kind = dyadic::site_kind::linear; }},
      {"name", [](site& s) { s.name = dyadic::label("nam"); }},
      {"height", [](site& s) { ++s.size.height; }},
      {"width", [](site& s) { ++s.size.width; }},
      {"channels", [](site& s) { ++s.channels; }},
      {"window height", [](site& s) { ++s.taps.size.height; }},
      {"window width", [](site& s) { ++s.taps.size.width; }},
      {"stride height", [](site& s) { ++s.taps.stride.height; }},
      {"stride width", [](site& s) { ++s.taps.stride.width; }},
      {"padding height", [](site& s) { ++s.taps.padding.height; }},
      {"padding width", [](site& s) { ++s.taps.padding.width; }},
      {"dilation height", [](site& s) { ++s.taps.dilation.height; }},
      {"dilation width", [](site& s) { ++s.taps.dilation.width; }},
      {"groups", [](site& s) { ++s.groups; }},
      {"first input", [](site& s) { ++s.inputs[0]; }},
      {"second input", [](site& s) { ++s.inputs[1]; }},
      {"relu", [](site& s) { ++s.relu; }},
      {"done before", [](site& s) { s.done_before = true; }},
      {"params of", [](site& s) { ++s.params_of; }},
      {"scale", [](site& s) { s.params.scale = std::nextafter(s.params.scale, 2.0F); }},
      {"zero point", [](site& s) { ++s.params.zero_point; }}};
  for (const auto& [name, change] : changes) {
    site changed = original;
    change(changed);
    EXPECT_TRUE(seen.insert(written(changed)).second) << name;
  }
  // What calibration saw is no part of the function.
  site calibrated_otherwise = original;
  calibrated_otherwise.range = {-1.0F, 1.0F}, calibrated_otherwise.not_finite = 3, calibrated_otherwise.consumers = 2;
  EXPECT_EQ(written(calibrated_otherwise), written(original));
}

TEST(Digest, ProfileAndVersionMatter) {
  const dyadic::plan p = make_plan({});
  std::set<std::string> seen{hex(digest_of(p))};
  const std::pair<const char*, std::function<void(digest_context&)>> changes[] = {
      {"major", [](digest_context& c) { ++c.version.major; }},
      {"minor", [](digest_context& c) { ++c.version.minor; }},
      {"patch", [](digest_context& c) { ++c.version.patch; }},
      {"ties", [](digest_context& c) { c.profile.ties = dyadic::rounding::half_away; }},
      {"units", [](digest_context& c) { c.profile.units = dyadic::scaling::reciprocal; }},
      {"zero point", [](digest_context& c) { c.profile.zero_point = dyadic::zero_point_added::before_rounding; }},
      {"divisor", [](digest_context& c) { c.profile.divisor = dyadic::symmetric_divisor::half_span; }},
      {"zero point from",
       [](digest_context& c) { c.profile.zero_point_from = dyadic::zero_point_rule::round_then_clip; }},
      {"zero point ties", [](digest_context& c) { c.profile.zero_point_ties = dyadic::rounding::half_up; }},
      {"arithmetic", [](digest_context& c) { c.profile.arithmetic = dyadic::range_arithmetic::in_double; }},
      {"smallest scale", [](digest_context& c) { ++c.profile.smallest_scale_exponent; }},
      {"degenerate", [](digest_context& c) { c.profile.degenerate = dyadic::degenerate_rule::smallest_scale; }}};
  for (const auto& [name, change] : changes) {
    digest_context context;
    change(context);
    EXPECT_TRUE(seen.insert(hex(digest_of(p, context))).second) << name;
  }
}

// Codes of packed weights are found in their panels; every scheme's are those that were packed.
TEST(Digest, WeightsAreTheCodesThatWerePacked) {
  support::integers random(5);
  const auto look = [&]<dyadic::scheme S>(index_t rows, index_t cols) {
    const auto numbers = random.reals(rows * cols, 1.0F);
    const auto codes = dyadic::try_quantize<S>(dyadic::strided<const float>(numbers.data(), rows, cols));
    ASSERT_TRUE(codes) << codes.error().message();
    const auto packed = dyadic::try_pack(codes->view());
    ASSERT_TRUE(packed) << packed.error().message();
    sha256 hash;
    dyadic::detail::digest_writer to(hash);
    dyadic::detail::write(to, S);
    to.whole(rows), to.whole(cols), to.whole(255);
    const int half = S.is_signed ? 0 : 1 << (S.bits - 1);
    for (index_t i = 0; i < rows; ++i)
      for (index_t k = 0; k < cols; ++k) to.byte(static_cast<std::uint8_t>(codes->view().code(i, k) - half));
    const index_t groups = dyadic::groups_in_row(S, cols);
    for (index_t i = 0; i < rows; ++i)
      for (index_t g = 0; g < groups; ++g) {
        to.real(codes->view().scale(i, g * (cols / groups)));
        to.whole(codes->view().zero_point(i, g * (cols / groups)) - half);
      }
    EXPECT_EQ(written(static_cast<const dyadic::packed_weights&>(*packed)), hex(hash.finish()))
        << dyadic::scheme_name(S).c_str() << ", " << rows << " x " << cols;
  };
  for (const index_t rows : {1, 16, 17, 70})
    for (const index_t cols : {1, 4, 33, 100}) {
      look.operator()<dyadic::s8_per_row>(rows, cols);
      look.operator()<dyadic::s8_narrow_per_tensor>(rows, cols);
      look.operator()<dyadic::s4_per_row>(rows, cols);
      look.operator()<dyadic::u4_per_row>(rows, cols);
      look.operator()<dyadic::u4_per_group<32>>(rows, 32 * cols);
      look.operator()<dyadic::s4_per_group<32>>(rows, 32 * cols);
    }
}

TEST(Digest, InputsByShapeAndBitsNotByLayout) {
  const float rows[] = {1, 2, 3, 4, 5, 6, 7, 8}, columns[] = {1, 5, 2, 6, 3, 7, 4, 8};
  const batch straight{{rows, 2, 4}, {2, 2}, 1}, transposed{{columns, 2, 4, 1, 2}, {2, 2}, 1};
  EXPECT_EQ(digest_of(straight, 0), digest_of(transposed, 0));
  EXPECT_EQ(digest_of(straight, 1), digest_of(transposed, 1));
  EXPECT_NE(digest_of(straight, 0), digest_of(straight, 1));
  EXPECT_NE(digest_of(straight, 0), digest_of(batch{{rows, 2, 4}, {1, 4}, 1}, 0));
  EXPECT_NE(digest_of(straight, 0), digest_of(batch{{rows, 2, 4}, {2, 1}, 2}, 0));
  const float zero[] = {0.0F}, minus_zero[] = {-0.0F};
  EXPECT_NE(digest_of(batch{{zero, 1, 1}}, 0), digest_of(batch{{minus_zero, 1, 1}}, 0));
}

}  // namespace digest_test
