// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ONNX's quantization operators, run by the library on a node test: how many outputs there were, and how many equal.
//
// A case has the tensors input_0, input_1, ..., output_0, ..., the attribute op, and attr_<name> for those of the node.
// Shapes are the tensors', or shape_<tensor> where a tensor is packed.
#pragma once

#include <optional>

#include <dyadic/fixed_point/half.hpp>
#include <dyadic/kernels/convolution.hpp>
#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/quantize.hpp>

#include "support/vectors.hpp"

namespace support {

using dyadic::quantized;
using dyadic::strided;

struct outcome {
  std::int64_t tried = 0, equal = 0;
  void add(bool same) { ++tried, equal += same ? 1 : 0; }
  outcome& operator+=(const outcome& o) {
    tried += o.tried, equal += o.equal;
    return *this;
  }
};

/// "[1, 2,3]" or "4".
inline std::vector<index_t> numbers_in(std::string text) {
  for (char& c : text)
    if (c == '[' || c == ']' || c == ',') c = ' ';
  std::istringstream words(text);
  std::vector<index_t> all;
  for (index_t n = 0; words >> n;) all.push_back(n);
  return all;
}

/// An attribute of the node, or what it is when absent.
inline std::vector<index_t> attribute(const vector_case& c, const std::string& name, std::vector<index_t> absent) {
  const auto at = c.attributes.find("attr_" + name);
  return at == c.attributes.end() ? absent : numbers_in(at->second);
}

inline std::vector<index_t> shape_of(const vector_case& c, const std::string& name) {
  const auto at = c.attributes.find("shape_" + name);
  return at == c.attributes.end() ? c[name].shape : numbers_in(at->second);
}
inline index_t size_of(const std::vector<index_t>& shape, std::size_t first = 0, std::size_t last = 99) {
  index_t n = 1;
  for (std::size_t i = first; i < last && i < shape.size(); ++i) n *= shape[i];
  return n;
}

/// The numbers of a float or half tensor; absent.
inline std::vector<float> reals(const vector_case& c, const std::string& name) {
  if (c[name].type != "float16") return c[name].as<float>();
  std::vector<float> all;
  for (const std::uint16_t bits : c[name].as<std::uint16_t>()) all.push_back(dyadic::to_float(dyadic::half{bits}));
  return all;
}

/// Zero points, one a scale; 0 where the input is left out.
inline std::vector<std::int32_t> zeros_of(const vector_case& c, const std::string& name, std::size_t n) {
  return c.has(name) ? c[name].integers(n) : std::vector<std::int32_t>(n, 0);
}

/// f.operator()<S>(), S the per-tensor asymmetric scheme of a tensor type; false for a type that is not of integers.
template <class F>
bool with_scheme(const std::string& type, F f) {
  using dyadic::scheme, dyadic::symmetry;
  constexpr auto of = [](int bits, bool is_signed) {
    return scheme{.bits = bits, .is_signed = is_signed, .sym = symmetry::asymmetric};
  };
  const std::string name = type.substr(0, type.find('-'));
  if (name == "int8") return f.template operator()<of(8, true)>(), true;
  if (name == "uint8") return f.template operator()<of(8, false)>(), true;
  if (name == "int16") return f.template operator()<of(16, true)>(), true;
  if (name == "uint16") return f.template operator()<of(16, false)>(), true;
  if (name == "int4") return f.template operator()<of(4, true)>(), true;
  if (name == "uint4") return f.template operator()<of(4, false)>(), true;
  if (name == "int2") return f.template operator()<of(2, true)>(), true;
  if (name == "uint2") return f.template operator()<of(2, false)>(), true;
  return false;
}

/// Part of a tensor as a matrix whose rows or groups share a scale.
struct matrix_part {
  index_t rows = 1, cols = 1, first = 0, row_stride = 1, col_stride = 1;
  std::vector<std::size_t> scale_at;  ///< of each of its params, in the scale tensor

  std::size_t at(index_t i, index_t j) const {
    return static_cast<std::size_t>(first + i * row_stride + j * col_stride);
  }
};

/// visit.operator()<S>(part) for the matrices a tensor consists of: one under one scale; channels along an axis, one
/// matrix for each index before it; or blocks along the axis. S is Base with the granularity.
template <dyadic::scheme Base, class Visit>
void for_each_part(const std::vector<index_t>& shape, index_t scales, index_t axis, index_t block, Visit visit) {
  using dyadic::granularity;
  if (scales == 1 && block == 0) {
    visit.template operator()<Base>(matrix_part{1, size_of(shape), 0, size_of(shape), 1, {0}});
    return;
  }
  const auto at = static_cast<std::size_t>(axis < 0 ? axis + static_cast<index_t>(shape.size()) : axis);
  const index_t outer = size_of(shape, 0, at), n = shape.at(at), inner = size_of(shape, at + 1);
  for (index_t o = 0; o < outer; ++o) {
    if (block == 0) {
      matrix_part part{n, inner, o * n * inner, inner, 1, {}};
      for (index_t i = 0; i < n; ++i) part.scale_at.push_back(static_cast<std::size_t>(i));
      visit.template operator()<Base.with(granularity::per_row)>(part);
      continue;
    }
    matrix_part part{inner, n, o * n * inner, 1, inner, {}};
    const index_t blocks = n / block;
    for (index_t i = 0; i < inner; ++i)
      for (index_t b = 0; b < blocks; ++b)
        part.scale_at.push_back(static_cast<std::size_t>((o * blocks + b) * inner + i));
    switch (block) {
      case 2: visit.template operator()<Base.with(granularity::per_group, 2)>(part); break;
      case 3: visit.template operator()<Base.with(granularity::per_group, 3)>(part); break;
      case 16: visit.template operator()<Base.with(granularity::per_group, 16)>(part); break;
      default: throw std::invalid_argument("a block size no test has had yet");
    }
  }
}

template <dyadic::scheme S>
dyadic::params<S> params_at(const matrix_part& part, const std::vector<float>& scales,
                            const std::vector<std::int32_t>& zeros) {
  std::vector<float> s;
  std::vector<std::int32_t> z;
  for (const std::size_t at : part.scale_at) s.push_back(scales.at(at)), z.push_back(zeros.at(at));
  return dyadic::params<S>(s, z);
}

inline std::optional<outcome> run_quantize_linear(const vector_case& c) {
  outcome found;
  const std::vector<float> x = reals(c, "input_0"), scales = reals(c, "input_1");
  const std::vector<std::int32_t> y = c["output_0"].integers(x.size()), zeros = zeros_of(c, "input_2", scales.size());
  const bool integers = with_scheme(c["output_0"].type, [&]<dyadic::scheme Base>() {
    for_each_part<Base>(shape_of(c, "input_0"), static_cast<index_t>(scales.size()), attribute(c, "axis", {1})[0],
                        attribute(c, "block_size", {0})[0], [&]<dyadic::scheme S>(const matrix_part& part) {
                          const strided<const float> view(x.data() + part.first, part.rows, part.cols, part.row_stride,
                                                          part.col_stride);
                          const auto q = dyadic::quantize<S>(view, params_at<S>(part, scales, zeros));
                          for (index_t i = 0; i < part.rows; ++i)
                            for (index_t j = 0; j < part.cols; ++j) found.add(q.code(i, j) == y.at(part.at(i, j)));
                        });
  });
  return integers ? std::optional(found) : std::nullopt;
}

/// Also of a Cast from integers to floats: scale 1, zero point 0.
inline std::optional<outcome> run_dequantize_linear(const vector_case& c) {
  outcome found;
  const std::vector<float> scales = c.has("input_1") ? reals(c, "input_1") : std::vector<float>{1.0F};
  const std::vector<std::int32_t> zeros = zeros_of(c, "input_2", scales.size());
  const std::vector<float> y = reals(c, "output_0");
  const bool integers = with_scheme(c["input_0"].type, [&]<dyadic::scheme Base>() {
    const std::vector<std::int32_t> codes = c["input_0"].integers(y.size());
    for_each_part<Base>(
        shape_of(c, "input_0"), static_cast<index_t>(scales.size()), attribute(c, "axis", {1})[0],
        attribute(c, "block_size", {0})[0], [&]<dyadic::scheme S>(const matrix_part& part) {
          auto q = quantized<S>::try_make(part.rows, part.cols, params_at<S>(part, scales, zeros)).value();
          for (index_t i = 0; i < part.rows; ++i)
            for (index_t j = 0; j < part.cols; ++j) dyadic::store_code<S>(q.row(i), j, codes.at(part.at(i, j)));
          std::vector<float> ours(static_cast<std::size_t>(part.rows * part.cols), -1.0F);
          dyadic::dequantize(q, strided<float>(ours.data(), part.rows, part.cols));
          for (index_t i = 0; i < part.rows; ++i)
            for (index_t j = 0; j < part.cols; ++j)
              found.add(std::bit_cast<std::uint32_t>(ours.at(static_cast<std::size_t>(i * part.cols + j))) ==
                        std::bit_cast<std::uint32_t>(y.at(part.at(i, j))));
        });
  });
  return integers ? std::optional(found) : std::nullopt;
}

inline std::optional<outcome> run_dynamic_quantize_linear(const vector_case& c) {
  outcome found;
  const std::vector<float> x = c["input_0"].as<float>();
  const auto q = dyadic::quantize<dyadic::u8_per_tensor>(x);
  found.add(q.params().scale() == c["output_1"].as<float>().at(0));
  found.add(q.params().zero_point() == c["output_2"].bytes.at(0));
  for (std::size_t e = 0; e < x.size(); ++e) found.add(q.code(0, static_cast<index_t>(e)) == c["output_0"].bytes.at(e));
  return found;
}

/// codes[offset ..] as a (rows, cols) matrix of 8-bit codes.
template <dyadic::scheme S>
quantized<S> codes_from(const std::vector<std::int32_t>& codes, index_t offset, index_t rows, index_t cols,
                        index_t row_stride, index_t col_stride, const dyadic::params<S>& p) {
  auto q = quantized<S>::try_make(rows, cols, p).value();
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j)
      dyadic::store_code<S>(q.row(i), j, codes.at(static_cast<std::size_t>(offset + i * row_stride + j * col_stride)));
  return q;
}

/// Inputs of the operators that multiply codes, QLinear or Integer.
struct product_inputs {
  std::string x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero;
  bool integer = false;

  static product_inputs of(bool integer) {
    if (integer) return {"input_0", "", "input_2", "input_1", "", "input_3", "", "", true};
    return {"input_0", "input_1", "input_2", "input_3", "input_4", "input_5", "input_6", "input_7", false};
  }
  static std::vector<float> scales(const vector_case& c, const std::string& name, std::size_t n) {
    return name.empty() ? std::vector<float>(n, 1.0F) : reals(c, name);
  }
};

/// MatMulInteger, QLinearMatMul: (batch, m, k) times (batch, k, n).
inline outcome run_matmul(const vector_case& c, bool integer) {
  const product_inputs in = product_inputs::of(integer);
  outcome found;
  const std::vector<index_t> xs = shape_of(c, in.x), ws = shape_of(c, in.w);
  const index_t m = xs[xs.size() - 2], k = xs.back(), n = ws.back(), batch = size_of(xs, 0, xs.size() - 2);
  const std::vector<std::int32_t> x = c[in.x].integers(static_cast<std::size_t>(batch * m * k)),
                                  w = c[in.w].integers(static_cast<std::size_t>(batch * k * n)),
                                  expected = c["output_0"].integers(static_cast<std::size_t>(batch * m * n));
  const float x_scale = in.scales(c, in.x_scale, 1).at(0), w_scale = in.scales(c, in.w_scale, 1).at(0);
  const std::int32_t x_zero = zeros_of(c, in.x_zero, 1)[0], w_zero = zeros_of(c, in.w_zero, 1)[0];
  with_scheme(c[in.x].type, [&]<dyadic::scheme X>() {
    with_scheme(c[in.w].type, [&]<dyadic::scheme W>() {
      if constexpr (X.bits == 8 && W.bits == 8) {
        for (index_t b = 0; b < batch; ++b) {
          const auto xq = codes_from<X>(x, b * m * k, m, k, k, 1, dyadic::params<X>(x_scale, x_zero));
          const auto wq = codes_from<W>(w, b * k * n, n, k, 1, n, dyadic::params<W>(w_scale, w_zero));
          const auto packed = dyadic::pack(wq);
          const auto compare = [&](const auto& y) {
            for (std::size_t e = 0; e < y.size(); ++e)
              found.add(y[e] == expected.at(static_cast<std::size_t>(b * m * n) + e));
          };
          const auto size = static_cast<std::size_t>(m * n);
          if (integer) {
            std::vector<std::int32_t> y(size);
            dyadic::gemm(xq, packed, dyadic::epilogue::sums{}, strided<std::int32_t>(y.data(), m, n));
            compare(y);
            continue;
          }
          with_scheme(c["output_0"].type, [&]<dyadic::scheme Y>() {
            if constexpr (Y.bits == 8) {
              const auto how = dyadic::requantization::try_make(x_scale, packed, {}, Y, reals(c, in.y_scale).at(0),
                                                                zeros_of(c, in.y_zero, 1)[0])
                                   .value();
              std::vector<dyadic::code_of<Y>> y(size);
              dyadic::gemm(xq, packed, dyadic::epilogue::requantize(how), strided<dyadic::code_of<Y>>(y.data(), m, n));
              compare(y);
            }
          });
        }
      }
    });
  });
  return found;
}

/// ConvInteger, QLinearConv without bias: NCHW images, (out, channels / group, kh, kw) weights.
inline outcome run_conv(const vector_case& c, bool integer) {
  using dyadic::granularity;
  const product_inputs in = product_inputs::of(integer);
  outcome found;
  const std::vector<index_t> xs = shape_of(c, in.x), ws = shape_of(c, in.w);
  const index_t images = xs[0], channels = xs[1], height = xs[2], width = xs[3], out = ws[0], depth = ws[1];
  const index_t taps = ws[2] * ws[3];
  const auto pads = attribute(c, "pads", {0, 0, 0, 0}), strides = attribute(c, "strides", {1, 1}),
             dilations = attribute(c, "dilations", {1, 1});
  const dyadic::window window{
      {ws[2], ws[3]}, {strides[0], strides[1]}, {pads[0], pads[1]}, {dilations[0], dilations[1]}};
  if (pads[0] != pads[2] || pads[1] != pads[3]) throw std::invalid_argument("a padding no test has had yet");
  const std::vector<std::int32_t> x = c[in.x].integers(static_cast<std::size_t>(size_of(xs))),
                                  w = c[in.w].integers(static_cast<std::size_t>(size_of(ws))),
                                  expected = c["output_0"].integers(static_cast<std::size_t>(c["output_0"].count()));
  const std::vector<std::uint8_t> nhwc = [&] {
    std::vector<std::uint8_t> all;
    for (index_t n = 0; n < images; ++n)
      for (index_t p = 0; p < height * width; ++p)
        for (index_t ch = 0; ch < channels; ++ch)
          all.push_back(
              static_cast<std::uint8_t>(x.at(static_cast<std::size_t>((n * channels + ch) * height * width + p))));
    return all;
  }();
  const std::vector<float> x_scale = in.scales(c, in.x_scale, 1);
  const std::vector<std::int32_t> x_zero = zeros_of(c, in.x_zero, 1);
  const auto n_zeros = static_cast<std::size_t>(c.has(in.w_zero) ? c[in.w_zero].count() : 1);
  const std::vector<std::int32_t> w_zero = zeros_of(c, in.w_zero, n_zeros);
  const std::vector<float> w_scale = in.scales(c, in.w_scale, 1);
  const index_t oh = window.out_height(height), ow = window.out_width(width), pixels = oh * ow;
  with_scheme(c[in.w].type, [&]<dyadic::scheme Base>() {
    if constexpr (Base.bits == 8) {
      constexpr dyadic::scheme W = Base.with(granularity::per_row);
      std::vector<std::int32_t> hwc;  // (out, kh, kw, c)
      for (index_t o = 0; o < out; ++o)
        for (index_t t = 0; t < taps; ++t)
          for (index_t ch = 0; ch < depth; ++ch)
            hwc.push_back(w.at(static_cast<std::size_t>((o * depth + ch) * taps + t)));
      std::vector<float> scales;
      std::vector<std::int32_t> zeros;
      for (std::size_t o = 0; o < static_cast<std::size_t>(out); ++o)
        scales.push_back(w_scale.at(o % w_scale.size())), zeros.push_back(w_zero.at(o % w_zero.size()));
      const auto wq = codes_from<W>(hwc, 0, out, taps * depth, taps * depth, 1, dyadic::params<W>(scales, zeros));
      const auto packed = dyadic::try_pack_groups(wq.view(), attribute(c, "group", {1})[0]).value();
      const dyadic::image_codes image{
          nhwc.data(), {images, height, width, channels}, x_scale, x_zero, c[in.x].type == "int8"};
      const auto compare = [&](const auto& y) {
        for (index_t n = 0; n < images; ++n)
          for (index_t o = 0; o < out; ++o)
            for (index_t p = 0; p < pixels; ++p)
              found.add(y.at(static_cast<std::size_t>((n * pixels + p) * out + o)) ==
                        expected.at(static_cast<std::size_t>((n * out + o) * pixels + p)));
      };
      const auto size = static_cast<std::size_t>(images * pixels * out);
      if (integer) {
        std::vector<std::int32_t> y(size);
        dyadic::try_conv2d(image, window, packed, dyadic::epilogue::sums{},
                           strided<std::int32_t>(y.data(), images * pixels, out))
            .value();
        compare(y);
      } else {
        std::vector<dyadic::requantization> how;
        for (const auto& part : packed.parts)
          how.push_back(dyadic::requantization::try_make(x_scale.at(0), part, {}, dyadic::u8_per_tensor,
                                                         reals(c, in.y_scale).at(0), zeros_of(c, in.y_zero, 1)[0])
                            .value());
        std::vector<std::uint8_t> y(size);
        dyadic::try_conv2d(image, window, packed, dyadic::epilogue::requantize_groups{how},
                           strided<std::uint8_t>(y.data(), images * pixels, out))
            .value();
        compare(y);
      }
    }
  });
  return found;
}

/// Runs a case by its op; nothing when it is not an operator on integers that the library has.
inline std::optional<outcome> run_onnx(const vector_case& c) {
  std::string op = c.attributes.at("op");
  std::erase(op, '"');
  if (op == "QuantizeLinear") return run_quantize_linear(c);
  if (op == "DequantizeLinear") return run_dequantize_linear(c);
  if (op == "DynamicQuantizeLinear") return run_dynamic_quantize_linear(c);
  if (op == "MatMulInteger") return run_matmul(c, true);
  if (op == "QLinearMatMul") return run_matmul(c, false);
  if (op == "ConvInteger") return run_conv(c, true);
  if (op == "QLinearConv") return run_conv(c, false);
  if ((op == "Cast" || op == "CastLike") && c["output_0"].type == "float32" && c["input_0"].type.find("int") <= 1) {
    vector_case as_codes = c;
    as_codes.tensors.erase("input_1");
    return run_dequantize_linear(as_codes);
  }
  return std::nullopt;
}

}  // namespace support
