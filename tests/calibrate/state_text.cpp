// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <random>

#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/calibrate/mean_min_max.hpp>
#include <dyadic/calibrate/mean_quantile.hpp>
#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/per_row.hpp>
#include <dyadic/calibrate/state_text.hpp>
#include <dyadic/calibrate/uniform_histogram.hpp>

#include "support/data.hpp"

namespace state_text_test {

using namespace dyadic;
using support::text_of;

const std::vector<float>& numbers() {
  static const std::vector<float> x{-1.5F, 3.0F, 0.1F, 0x1p-140F, std::numeric_limits<float>::quiet_NaN()};
  return x;
}

template <class Observer>
Observer observed(Observer o) {
  o.observe(strided<const float>(numbers().data(), 1, 5));
  return o;
}

/// The text gives the observer back, and every other text is refused or, never, another observer.
template <class Observer>
void round_trip(const Observer& o) {
  const std::string text = save_text(o);
  const result<Observer> loaded = try_load_text<Observer>(text);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(*loaded, o);
  EXPECT_EQ(loaded->save(), o.save());
  for (std::size_t size = 0; size < text.size(); ++size) ASSERT_FALSE(try_load_text<Observer>(text.substr(0, size)));
  for (std::size_t at = 0; at < text.size(); ++at)
    for (const char c : std::string("0 9a-\n\r.pxX\0z", 13)) {
      std::string changed = text;
      if (changed[at] == c) continue;
      changed[at] = c;
      ASSERT_FALSE(try_load_text<Observer>(changed)) << at << ' ' << c;
      changed = text;
      changed.insert(at, 1, c);
      const auto inserted = try_load_text<Observer>(changed);
      ASSERT_FALSE(inserted) << changed;
      ASSERT_EQ(inserted.error().code(), errc::bad_format);
    }
  ASSERT_FALSE(try_load_text<Observer>(text + "\n"));
  ASSERT_FALSE(try_load_text<Observer>(text + text));
}

TEST(StateText, GivesEveryObserverBackAndRefusesEveryOtherText) {
  round_trip(min_max());
  round_trip(observed(min_max()));
  round_trip(histogram(4));
  round_trip(observed(histogram(4)));
  round_trip(observed(mean_min_max()));
  round_trip(observed(mean_quantile(0.1, 0.9)));
  round_trip(observed(uniform_histogram({-1.0F, 2.0F}, 3, binning::torch)));
  round_trip(observed(per_row<min_max>()));
  round_trip(per_row<histogram>(2, histogram(2)));
  round_trip(observed(moving_average_min_max(0.25F)));
  round_trip(observed(per_row<moving_average_min_max>()));
}

/// The text on disk, character by character: it must not change without a new version.
TEST(StateText, HasAFixedForm) {
  histogram h(4);
  h.observe(std::vector<float>{-3.0F, 1.0F, 2.0F});
  EXPECT_EQ(save_text(h).substr(0, save_text(h).find("end ")),
            "dyadic state 1 histogram\n"
            "u32 max_bins 4\n"
            "i32 exponent 1\n"
            "i32 first -2\n"
            "u32 bins 4\n"
            "f32 min -0x1.800000p+1\n"
            "f32 max 0x1.000000p+1\n"
            "u64 finite 3\n"
            "u64 nan 0\n"
            "u64 positive_infinity 0\n"
            "u64 negative_infinity 0\n"
            "u64 counts 1 0 1 1\n");
  EXPECT_NE(save_text(min_max()).find("f32 min inf\nf32 max -inf\n"), std::string::npos);
}

TEST(StateText, SaysWhatIsWrong) {
  histogram h(4);
  h.observe(std::vector<float>{-3.0F, 1.0F, 2.0F});
  const std::string text = save_text(h);
  const auto with = [&text](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return text_of(try_load_text<histogram>(changed));
  };
  EXPECT_EQ(text_of(try_load_text<min_max>(text)),
            "min_max: a text that begins with 'dyadic state 1 histogram', expected 'dyadic state 1 min_max'");
  EXPECT_EQ(with("state 1", "state 2"),
            "histogram: a text that begins with 'dyadic state 2 histogram', expected 'dyadic state 1 histogram'");
  EXPECT_EQ(text_of(try_load_text<histogram>("")),
            "histogram: a text that begins with '', expected 'dyadic state 1 histogram'");
  EXPECT_EQ(with("max_bins 4", "max_bins four"),
            "histogram: line 2 holds 'four', expected a number of type u32, i32, u64, f32 or f64");
  EXPECT_EQ(with("max_bins 4", "max_bin 4"),
            "histogram: line 2 is 'u32 max_bin 4', expected 'u32 max_bins 4' and lines that end in a line feed");
  EXPECT_EQ(with("nan 0", "nan 00"),
            "histogram: line 9 is 'u64 nan 00', expected 'u64 nan 0' and lines that end in a line feed");
  EXPECT_EQ(with("nan 0", "nan 7"), "histogram: the checksum of the 104 bytes is wrong");
}

TEST(StateText, PrintsEveryFloatSoThatItIsReadBack) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 300'000; ++n) {
    auto single = static_cast<std::uint32_t>(random());
    std::uint64_t wide = random();
    if (n < 600) single = static_cast<std::uint32_t>(n % 300) - (n < 300 ? 0U : 150U) + 0x7F800000U;
    if (n % 4 == 1) single &= 0x807FFFFFU, wide &= 0x800FFFFFFFFFFFFFULL;  // subnormal
    std::string text, wide_text;
    detail::print_hex_float(text, single);
    detail::print_hex_float(wide_text, wide);
    std::uint32_t read = 0;
    std::uint64_t wide_read = 0;
    const float value = std::bit_cast<float>(single);
    const double wide_value = std::bit_cast<double>(wide);
    ASSERT_EQ(detail::parse_hex_float(text, read), value == value) << text;
    ASSERT_EQ(detail::parse_hex_float(wide_text, wide_read), wide_value == wide_value) << wide_text;
    if (value == value) {
      ASSERT_EQ(read, single) << text;
    }
    if (wide_value == wide_value) {
      ASSERT_EQ(wide_read, wide) << wide_text;
    }
    // What the C library reads in it.
    if (n % 16 == 0 && value == value) {
      ASSERT_EQ(std::strtof(text.c_str(), nullptr), value) << text;
    }
    if (n % 16 == 0 && wide_value == wide_value) {
      ASSERT_EQ(std::strtod(wide_text.c_str(), nullptr), wide_value);
    }
  }
}

}  // namespace state_text_test
