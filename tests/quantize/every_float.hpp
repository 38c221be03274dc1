// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// every_float: floats of all bit patterns through the runs of every instruction set, beside quantize_one.
#pragma once

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include <dyadic/quantize/run.hpp>

#include "support/data.hpp"
#include "support/isas.hpp"

namespace every_float {

using namespace dyadic;

/// Codes of one scale: an ordinary number, an awkward one, the ends of what params accept.
template <profile P, int Bits>
struct setting {
  const char* name;
  simd::step s;
};

struct tally {
  std::uint64_t tried = 0, different = 0, counts_different = 0;
};

/// Codes and reals of patterns first, first + stride, ... (`count` of them) in blocks, on each instruction set.
template <profile P, int Bits>
tally compare(const setting<P, Bits>& given, std::uint64_t first, std::uint64_t count, std::uint64_t stride,
              const std::vector<std::string>& isas, std::mutex* forcing = nullptr) {
  constexpr std::size_t most = 4096;
  constexpr std::size_t size = Bits == 16 ? 2 : 1;
  const simd::step& s = given.s;
  std::vector<decltype(dispatched<detail::pick_codes<P, Bits>>())> to_codes;
  std::vector<decltype(dispatched<detail::pick_fake<P, Bits == 16>>())> to_reals;
  if (forcing != nullptr) forcing->lock();
  for (const std::string& isa : isas) {
    if (!try_force_isa(isa.c_str())) std::abort();
    to_codes.push_back(dispatched<detail::pick_codes<P, Bits>>());
    to_reals.push_back(dispatched<detail::pick_fake<P, Bits == 16>>());
  }
  if (!try_force_isa(nullptr)) std::abort();
  if (forcing != nullptr) forcing->unlock();

  tally t;
  std::vector<float> x(most), reals(most), expected_reals(most);
  std::vector<std::uint8_t> codes(most * size), expected(most * size);
  for (std::uint64_t done = 0; done < count; done += most) {
    const auto n = static_cast<std::size_t>(count - done < most ? count - done : most);
    clip_count met;
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = std::bit_cast<float>(static_cast<std::uint32_t>(first + (done + i) * stride));
      const int code = quantize_one<P>(x[i], s.scale, s.zero_point, s.qmin, s.qmax);
      if (code == s.qmin || code == s.qmax) {
        const int wider = quantize_one<P>(x[i], s.scale, s.zero_point, s.qmin - 1, s.qmax + 1);
        met.low += wider<s.qmin, met.high += wider> s.qmax;
      }
      met.nan += x[i] != x[i];
      expected_reals[i] = dequantize_one(code, s.scale, s.zero_point);
      if constexpr (Bits == 4) {
        store4(expected.data(), static_cast<index_t>(i), code);
      } else {
        const auto narrow = static_cast<std::uint16_t>(code);
        std::memcpy(expected.data() + size * i, &narrow, size);
      }
    }
    if (Bits == 4 && n % 2 != 0) expected[n / 2] &= 15;
    for (std::size_t isa = 0; isa < isas.size(); ++isa) {
      const default_float_environment environment;
      clip_count counted, counted_again;
      to_codes[isa](x.data(), static_cast<index_t>(n), s, codes.data(), counted);
      to_reals[isa](x.data(), static_cast<index_t>(n), s, reals.data(), counted_again);
      t.tried += n;
      t.different += std::memcmp(codes.data(), expected.data(), Bits == 4 ? (n + 1) / 2 : n * size) != 0;
      t.different += std::memcmp(reals.data(), expected_reals.data(), 4 * n) != 0;
      for (const clip_count& c : {counted, counted_again})
        t.counts_different += c.nan != met.nan || c.low != met.low || c.high != met.high;
    }
  }
  return t;
}

/// Calls f(setting) for each of the parameter sets.
template <class F>
void for_each_setting(F f) {
  f(setting<onnx_profile, 8>{"onnx s8 0.00214854861", {0.00214854861F, 0, -128, 127}});
  f(setting<onnx_profile, 8>{"onnx u8 0.7 + 131", {0.7F, 131, 0, 255}});
  f(setting<onnx_profile, 4>{"onnx s4 1/3", {1.0F / 3.0F, 0, -8, 7}});
  f(setting<onnx_profile, 16>{"onnx s16 3.1e-5 - 1", {3.1e-5F, -1, -32768, 32767}});
  f(setting<onnx_profile, 8>{"onnx u8 2^-126 + 3", {0x1p-126F, 3, 0, 255}});
  f(setting<tflite_profile, 8>{"tflite s8 0.1 - 101", {0.1F, -101, -128, 127}});
  f(setting<tflite_profile, 8>{"tflite narrow s8 2^119", {0x1p119F, 0, -127, 127}});
  f(setting<pytorch_profile, 8>{"pytorch u8 0.1 + 127", {0.1F, 127, 0, 255}});
  f(setting<pytorch_profile, 16>{"pytorch u16 0.1 + 65535", {0.1F, 65535, 0, 65535}});
  f(setting<support::divide_before_up, 8>{"divide, zero before, half up u8 0.013 + 77", {0.013F, 77, 0, 255}});
  f(setting<support::reciprocal_before, 8>{"reciprocal, zero before s8 0.013 + 77", {0.013F, 77, -128, 127}});
  f(setting<support::reciprocal_away, 8>{"reciprocal, half away s8 7", {7.0F, 0, -128, 127}});
}

}  // namespace every_float
