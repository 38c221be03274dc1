// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// nvfp4, NVIDIA's block of 16 float4_e2m1 under a float8_e4m3fn scale, and one float for a whole tensor:
// x = tensor_scale * scale * element. 9 bytes, 4.5 bits a number. In two dialects:
//
//   nvfp4        elements 2i and 2i + 1 in a byte, the first low; ties to even: torchao, ModelOpt
//   nvfp4_ggml   four such blocks in 36 bytes, scales first; byte j of a block holds elements j and j + 8; no tensor
//                scale; scales are rounded half up and become 448 from 256 on; ties towards zero: ggml
#pragma once

#include <dyadic/quantize/blocks/mxfp4.hpp>

namespace dyadic::inline DYADIC_ABI {

struct nvfp4 {
  static constexpr index_t block_length = 16;
  static constexpr float largest = 0x1p127f;

  struct block {
    float8_e4m3fn scale;
    std::uint8_t elements[8];
  };
  static_assert(sizeof(block) == 9);

  /// Scales below this are stored as this.
  static constexpr float smallest_scale = 0x1p-6f;

  /// The scale of a tensor that uses the whole range: largest magnitude / (448 * 6), and 1 for a tensor of zeros. NaN
  /// is passed over; an infinity counts as `largest`.
  static constexpr float tensor_scale(std::span<const float> x) noexcept {
    const float magnitude = clamp(detail::largest_magnitude(x), 0.0f, largest);
    return magnitude > 0.0f ? clamp(magnitude / (448.0f * 6.0f), 0x1p-126f, 0x1p116f) : 1.0f;
  }

  /// \see torchao, nvfp4_tensor.py _nvfp4_quantize.
  static constexpr block quantize(block_of_numbers<16> x, float tensor_scale = 1.0f) noexcept {
    const float needed = detail::largest_magnitude(x) / 6.0f / tensor_scale;
    block b{.scale = small_float_from<float8_e4m3fn>(clamp(needed, smallest_scale, 448.0f)), .elements = {}};
    const float scale = tensor_scale * to_float(b.scale);
    int codes[16];
    for (std::size_t j = 0; j < 16; ++j) codes[j] = small_float_from<float4_e2m1>(x[j] / scale).bits;
    detail::pack_pairs(codes, b.elements);
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<16> x, float tensor_scale = 1.0f) noexcept {
    const block own = b;  // see q4_0
    const float scale = tensor_scale * to_float(own.scale);
    for (std::size_t j = 0; j < 8; ++j) {
      x[2 * j] = scale * detail::e2m1_numbers[own.elements[j] & 15];
      x[2 * j + 1] = scale * detail::e2m1_numbers[own.elements[j] >> 4];
    }
  }

  static result<void> check(float tensor_scale = 1.0f) noexcept {
    if (tensor_scale >= 0x1p-126f && tensor_scale <= 0x1p116f) return {};
    return failure(errc::invalid_scale, "nvfp4: tensor scale {}, expected a number in [2^-126, 2^116]",
                   static_cast<double>(tensor_scale));
  }
};

/// \see ggml-quants.c, quantize_row_nvfp4_ref, and ggml_fp32_to_ue4m3 of ggml-impl.h.
struct nvfp4_ggml {
  static constexpr index_t block_length = 64;
  static constexpr float largest = 448.0f * 6.0f;

  struct block {
    std::uint8_t scales[4];  ///< the codes of float8_e4m3fn without a sign; 0x7F counts as zero
    std::uint8_t elements[32];
  };
  static_assert(sizeof(block) == 36);

  static constexpr block quantize(block_of_numbers<64> x) noexcept {
    block b{};
    for (int s = 0; s < 4; ++s) {
      const auto part = x.subspan(static_cast<std::size_t>(16 * s), 16);
      b.scales[s] = scale_code(detail::largest_magnitude(part) / 6.0f);
      const float half_scale = scale_of(b, s) * 0.5f;
      for (int j = 0; j < 16; ++j)
        store4(b.elements, place(s, j), detail::nearest_e2m1(part[static_cast<std::size_t>(j)], half_scale));
    }
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<64> x) noexcept {
    for (int s = 0; s < 4; ++s)
      for (int j = 0; j < 16; ++j)
        x[static_cast<std::size_t>(16 * s + j)] =
            scale_of(b, s) * 0.5f * static_cast<float>(detail::twice_e2m1[load_u4(b.elements, place(s, j))]);
  }

 private:
  static constexpr index_t place(int s, int j) noexcept { return s * 16 + j % 8 * 2 + j / 8; }

  static constexpr float scale_of(const block& b, int s) noexcept {
    return b.scales[s] == 0x7F ? 0.0f : to_float(float8_e4m3fn{b.scales[s]});
  }

  /// In units of 2^-9 below 2^-6, where seven units are the most; above, the third bit of the fraction is rounded half
  /// up.
  static constexpr std::uint8_t scale_code(float x) noexcept {
    if (!(x > 0.0f)) return 0;
    if (x >= 256.0f) return 0x7E;
    if (x < 0x1p-6f) return static_cast<std::uint8_t>(to_integer<int>(detail::opaque(x * 512.0f) + 0.5f, 0, 7, 0));
    const std::uint32_t code = (std::bit_cast<std::uint32_t>(x) - (120U << 23) + (1U << 19)) >> 20;
    return static_cast<std::uint8_t>(code >= 15U << 3 ? 0x7EU : code);
  }
};

}  // namespace dyadic::inline DYADIC_ABI
