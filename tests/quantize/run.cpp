// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <random>

#include <dyadic/quantize/run.hpp>

#include "quantize/every_float.hpp"
#include "support/guarded.hpp"

namespace run_test {

using namespace dyadic;
using detail::segment_length;

// 2^26 patterns spread over all 2^32, more than 2^22 for each parameter set; check_exhaustive takes all.
TEST(Run, QuantizesAStrideOfAllFloatsAsQuantizeOne) {
  support::show_isas();
  every_float::for_each_setting([](const auto& setting) {
    const every_float::tally t = every_float::compare(setting, 5, (std::uint64_t{1} << 26) / 12, 767, support::isas());
    EXPECT_EQ(t.different, 0U) << setting.name;
    EXPECT_EQ(t.counts_different, 0U) << setting.name;
  });
}

/// Numbers on ties of the scale, a few ulp beside them, and the corners of the format.
template <profile P, int Bits>
void compare_ties(const every_float::setting<P, Bits>& given) {
  const simd::step& s = given.s;
  std::vector<float> x = support::corner_numbers();
  for (int k = -1200; k <= 1200; ++k) {
    const float tie = static_cast<float>(k) * 0.5F * s.scale;
    const auto bits = std::bit_cast<std::int32_t>(tie);
    for (int ulp = -4; ulp <= 4; ++ulp) x.push_back(std::bit_cast<float>(bits + ulp));
  }
  support::for_each_isa([&](const std::string& isa) {
    const default_float_environment environment;
    for (std::size_t i = 0; i < x.size(); ++i) {
      std::uint8_t code[2] = {};
      clip_count met;
      const int expected = quantize_one<P>(x[i], s.scale, s.zero_point, s.qmin, s.qmax);
      dispatched<detail::pick_codes<P, Bits>>()(&x[i], 1, s, code, met);
      const auto narrow = static_cast<std::uint16_t>(expected);
      ASSERT_EQ(code[0] & (Bits == 4 ? 15 : 255), narrow & (Bits == 4 ? 15 : 255))
          << isa << ' ' << given.name << ' ' << x[i];
      if (Bits == 16) {
        ASSERT_EQ(code[1], narrow >> 8) << isa << ' ' << given.name << ' ' << x[i];
      }
    }
  });
}
TEST(Run, RoundsTiesAndCornersAsQuantizeOne) {
  every_float::for_each_setting([](const auto& setting) { compare_ties(setting); });
}

/// Every length, at both ends of memory that ends there: what is written, and nothing else.
template <profile P, int Bits>
void compare_lengths() {
  const simd::step s{0.05F, Bits == 8 ? 7 : 0,
                     Bits == 16  ? -32768
                     : Bits == 8 ? -128
                                 : -8,
                     Bits == 16  ? 32767
                     : Bits == 8 ? 127
                                 : 7};
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0.0F, 3.0F);
  for (index_t n = 0; n <= 300; n += n < 140 ? 1 : 13) {
    std::vector<float> numbers(static_cast<std::size_t>(n));
    for (float& v : numbers) v = normal(random);
    const auto bytes = static_cast<std::size_t>(Bits == 4 ? (n + 1) / 2 : n * (Bits / 8));
    for (const auto where : {support::against::first_page, support::against::last_page}) {
      const support::guarded<float> x(std::span<const float>(numbers), where);
      const support::guarded<float> reals(numbers.size(), where), fake(numbers.size(), where);
      const support::guarded<std::uint8_t> codes(bytes, where);
      support::for_each_isa([&](const std::string& isa) {
        const default_float_environment environment;
        clip_count met, met_again;
        dispatched<detail::pick_codes<P, Bits>>()(x.data(), n, s, codes.data(), met);
        dispatched<detail::pick_reals<Bits, true>>()(codes.data(), n, s, reals.data());
        dispatched<detail::pick_fake<P, Bits == 16>>()(x.data(), n, s, fake.data(), met_again);
        for (index_t i = 0; i < n; ++i) {
          const int code = quantize_one<P>(x.data()[i], s.scale, s.zero_point, s.qmin, s.qmax);
          int found = 0;
          if (Bits == 4)
            found = load_s4(codes.data(), i);
          else if (Bits == 8)
            found = static_cast<std::int8_t>(codes.data()[i]);
          else
            found = static_cast<std::int16_t>(codes.data()[2 * i] | codes.data()[2 * i + 1] << 8);
          ASSERT_EQ(found, code) << isa << ' ' << n << ' ' << i;
          ASSERT_EQ(reals.data()[i], dequantize_one(code, s.scale, s.zero_point)) << isa << ' ' << n << ' ' << i;
          ASSERT_EQ(fake.data()[i], reals.data()[i]) << isa << ' ' << n << ' ' << i;
        }
        if (Bits == 4 && n % 2 != 0) {
          ASSERT_EQ(codes.data()[n / 2] >> 4, 0) << "the unused nibble";
        }
      });
    }
  }
}
TEST(Run, TakesEveryLengthAndNothingBeyond) {
  compare_lengths<onnx_profile, 8>();
  compare_lengths<tflite_profile, 4>();
  compare_lengths<pytorch_profile, 16>();
}

/// Reals so many that they are streamed, from every place in a cache line.
TEST(Run, StreamsTheSameReals) {
  constexpr index_t n = simd::streamed_bytes / 4 + 77;
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  std::vector<float> y(static_cast<std::size_t>(n) + 16);
  const simd::step s{0.37F, 3, -128, 127};
  support::for_each_isa([&](const std::string& isa) {
    const default_float_environment environment;
    for (const std::size_t shift : {std::size_t{0}, std::size_t{5}, std::size_t{16}}) {
      std::fill(y.begin(), y.end(), -1.0F);
      dispatched<detail::pick_reals<8, true>>()(codes.data(), n, s, y.data() + (shift == 16 ? 0 : shift));
      std::uint64_t different = 0;
      for (std::size_t i = 0; i < codes.size(); ++i)
        different += y[i + (shift == 16 ? 0 : shift)] != dequantize_one(static_cast<std::int8_t>(codes[i]), s.scale, 3);
      EXPECT_EQ(different, 0U) << isa;
    }
  });
}

/// A scale, and perhaps a zero point, for each number.
template <profile P, int Bits, bool Signed>
void compare_each() {
  const int qmin = Signed ? -(1 << (Bits - 1)) : 0, qmax = (1 << (Signed ? Bits - 1 : Bits)) - 1;
  std::mt19937 random(4);
  std::vector<float> corners = support::corner_numbers();
  for (index_t n = 0; n <= 140; ++n)
    for (const bool zeros : {false, true}) {
      std::vector<float> x(static_cast<std::size_t>(n)), scales(x.size()), reals(x.size());
      std::vector<std::int32_t> zero_points(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        scales[i] = std::bit_cast<float>(static_cast<std::uint32_t>(random() % 0x7E000000U + 0x00800000U));
        const int code =
            static_cast<int>(random() % static_cast<unsigned>(2 * (qmax - qmin))) + qmin - (qmax - qmin) / 2;
        x[i] = random() % 16 == 0 ? corners[random() % corners.size()] : static_cast<float>(code) * 0.5F * scales[i];
        zero_points[i] = qmin + static_cast<int>(random() % static_cast<unsigned>(qmax - qmin + 1));
      }
      const simd::steps s{scales.data(), zeros ? zero_points.data() : nullptr, 0, qmin, qmax};
      std::vector<std::uint8_t> codes(x.size() * (Bits == 16 ? 2 : 1));
      support::for_each_isa([&](const std::string& isa) {
        const default_float_environment environment;
        clip_count met, expected;
        dispatched<detail::pick_each_codes<P, Bits>>()(x.data(), n, s, codes.data(), met);
        dispatched<detail::pick_each_reals<Bits, Signed>>()(codes.data(), n, s, reals.data());
        for (std::size_t i = 0; i < x.size(); ++i) {
          const int zero = zeros ? zero_points[i] : 0;
          const int code = quantize_one<P>(x[i], scales[i], zero, qmin, qmax);
          const int wider = quantize_one<P>(x[i], scales[i], zero, qmin - 1, qmax + 1);
          expected.nan += x[i] != x[i], expected.low += wider<qmin, expected.high += wider> qmax;
          int found = 0;
          if (Bits == 16)
            found = codes[2 * i] | codes[2 * i + 1] << 8;
          else
            found = codes[i];
          ASSERT_EQ(found, code & (Bits == 16 ? 0xFFFF : 0xFF)) << isa << ' ' << n << ' ' << i;
          ASSERT_EQ(std::bit_cast<std::uint32_t>(reals[i]),
                    std::bit_cast<std::uint32_t>(dequantize_one(code, scales[i], zero)));
        }
        EXPECT_EQ(met.nan, expected.nan);
        EXPECT_EQ(met.low, expected.low);
        EXPECT_EQ(met.high, expected.high);
      });
    }
}
TEST(Run, GivesEachNumberItsOwnScale) {
  compare_each<onnx_profile, 8, true>();
  compare_each<pytorch_profile, 8, false>();
  compare_each<tflite_profile, 8, false>();
  compare_each<support::reciprocal_before, 8, true>();
  compare_each<onnx_profile, 16, true>();
  compare_each<support::divide_before_up, 16, false>();
}

/// All bytes as two nibbles and as four pairs, there and back, for every length.
TEST(Run, PacksAndUnpacksCodes) {
  support::for_each_isa([](const std::string& isa) {
    for (const int bits : {2, 4})
      for (index_t n = 0; n <= 512; ++n) {
        const index_t bytes = (n * bits + 7) / 8;
        std::vector<std::uint8_t> codes(static_cast<std::size_t>(n + 16)),
            packed(static_cast<std::size_t>(bytes) + 1, 0xA5), again(codes.size());
        for (index_t i = 0; i < n; ++i)
          codes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>((i * 5 + i / 16) & ((1 << bits) - 1));
        dispatched<detail::pick_pack>()(codes.data(), n, bits, packed.data());
        for (index_t i = 0; i < n; ++i)
          ASSERT_EQ(packed[static_cast<std::size_t>(i * bits / 8)] >> (i * bits % 8) & ((1 << bits) - 1),
                    codes[static_cast<std::size_t>(i)])
              << isa;
        ASSERT_EQ(packed.back(), 0xA5) << isa << " wrote past the end";
        dispatched<detail::pick_unpack>()(packed.data(), n, bits, again.data());
        for (index_t i = 0; i < n; ++i)
          ASSERT_EQ(again[static_cast<std::size_t>(i)], codes[static_cast<std::size_t>(i)]);
      }
  });
}

/// Segments cover a matrix once, never cross a group, and hold at most 64 numbers.
TEST(Run, CoversEveryElementOnce) {
  for (const index_t rows : {0, 1, 3})
    for (const index_t cols : {0, 1, 2, 15, 63, 64, 65, 130, 192})
      for (const index_t group : {0, 1, 5, 13, 64, 65}) {
        if (group > 0 && cols % group != 0) continue;
        const scheme s = group > 0 ? s4_per_row.with(granularity::per_group, static_cast<int>(group)) : s4_per_row;
        for (const bool down_columns : {false, true}) {
          std::vector<int> visits(static_cast<std::size_t>(rows * cols));
          const strided<int> x(visits.data(), rows, cols, down_columns ? 1 : cols, down_columns ? rows : 1);
          detail::for_each_segment(s, x, [&](index_t i, index_t j, index_t n) {
            EXPECT_GT(n, 0);
            EXPECT_LE(n, segment_length);
            if (group > 0) {
              EXPECT_EQ(j / group, (j + n - 1) / group);
            }
            for (index_t t = 0; t < n; ++t) ++x(i, j + t);
          });
          for (const int n : visits) EXPECT_EQ(n, 1);
        }
      }
}

}  // namespace run_test
