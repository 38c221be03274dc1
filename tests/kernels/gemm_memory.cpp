// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products touch nothing outside their operands: every array stands against a page that cannot be touched.
#include <dyadic/kernels/convolution.hpp>
#include <dyadic/kernels/gemm_batch.hpp>
#include <dyadic/kernels/reference/convolution.hpp>
#include <dyadic/kernels/reference/gemm.hpp>
#include <dyadic/quantize/quantize.hpp>

#include "kernels/product.hpp"
#include "support/guarded.hpp"

namespace gemm_memory_test {

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

constexpr shape tried[] = {{1, 1, 1},   {1, 17, 3},   {6, 16, 64},  {7, 15, 33},
                           {13, 65, 5}, {40, 3, 129}, {5, 130, 67}, {25, 47, 22}};

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

/// Scratch of exactly the size that is asked for, its last byte the last of a page.
struct exact_scratch {
  guarded<std::uint8_t> bytes;
  workspace memory;
  exact_scratch(index_t size, against where)
      : bytes(static_cast<std::size_t>(size), where), memory(bytes.data(), size) {}
};

/// run(y, options) with y and scratch against a page, in one part and in three.
template <class T, class Run, class Size>
void check_guarded(const std::string& what, const std::vector<T>& expected, against where, const Run& run,
                   const Size& size) {
  support::for_each_isa([&](const std::string& isa) {
    for (const int threads : {1, 3}) {
      const guarded<T> y(expected.size(), where);
      exact_scratch scratch(size(run_options{product::threads(threads), nullptr}), where);
      const auto ok = run(y.data(), run_options{product::threads(threads), &scratch.memory});
      ASSERT_TRUE(ok) << what << ": " << ok.error().message();
      ASSERT_EQ(scratch.memory.size_bytes(), 0) << what << ", " << isa << ": the scratch was not enough";
      ASSERT_NO_FATAL_FAILURE(expect_same(y, expected, what + ", " + isa));
    }
  });
}

/// Floats by codes: weight-only, and quantized in the call by rows and by groups. Rows of x `gap` floats apart.
template <scheme W>
void check_floats(const shape& s, index_t gap) {
  std::mt19937 random(static_cast<unsigned>(s.m * 100 + s.n * 10 + s.k));
  const auto x = product::numbers(s.m * s.k, 1.0f, random), bias = product::numbers(s.n, 1.0f, random);
  const auto w = product::operand<W>(s.n, s.k, fill::random, random);
  const auto packed = pack(w);
  const strided<const float> plain(x.data(), s.m, s.k);
  const auto check_as = [&](const auto& what, const auto& expected_of, const auto& operand) {
    std::vector<float> expected = sized<float>(s.m, s.n);
    expected_of(strided<float>(expected.data(), s.m, s.n));
    for (const against where : both) {
      const index_t stride = s.k + gap;
      const guarded<float> from(static_cast<std::size_t>((s.m - 1) * stride + s.k), where),
          biases(std::span<const float>(bias), where);
      for (index_t i = 0; i < s.m; ++i)
        if (s.k > 0) std::memcpy(from.data() + i * stride, x.data() + i * s.k, static_cast<std::size_t>(s.k) * 4);
      const auto in = operand(strided<const float>(from.data(), s.m, s.k, stride, 1));
      const auto e = epilogue::dequantize{} | epilogue::add_bias{biases.elements()};
      check_guarded(
          what + std::string(", k = ") + std::to_string(s.k), expected, where,
          [&](float* y, const run_options& o) { return try_gemm(in, packed, e, strided<float>(y, s.m, s.n), o); },
          [&](const run_options& o) { return scratch_size(in, packed, o); });
      if (testing::Test::HasFatalFailure()) return;
    }
  };
  const reference::reals r{.bias = bias};
  const auto by_codes = [&]<scheme S>() {
    check_as(
        "dynamic", [&](strided<float> y) { reference::gemm(quantize<S>(plain).view(), w.view(), r, y); },
        [](const strided<const float>& in) { return dynamic_rows<S>(in); });
  };
  check_as(
      "weight-only", [&](strided<float> y) { reference::gemm(plain, w.view(), r, y); },
      [](const strided<const float>& in) { return in; });
  if (testing::Test::HasFatalFailure()) return;
  by_codes.template operator()<u8_per_row>();
  if constexpr (W.per == granularity::per_group)
    if (!testing::Test::HasFatalFailure()) by_codes.template operator()<s8_per_group<W.group>>();
}

TEST(GemmMemory, WeightOnlyAndDynamic) {
  for (const shape& s : tried) {
    ASSERT_NO_FATAL_FAILURE(check_floats<s8_per_row>(s, 0));
    ASSERT_NO_FATAL_FAILURE(check_floats<u4_per_row>(s, 3));
    ASSERT_NO_FATAL_FAILURE(check_floats<s8_per_group<7>>({s.m, s.n, round_up(s.k, 7)}, 0));
    ASSERT_NO_FATAL_FAILURE(check_floats<s4_per_group<32>>({s.m, s.n, round_up(s.k, 32)}, 1));
  }
}

/// Depths around those where the products take another stretch, with one to three panels beside the whole blocks: what
/// each asks for is what it uses.
TEST(GemmMemory, LongRows) {
  for (const index_t n : {16, 48, 64, 90})
    for (const index_t groups : {146, 147, 292, 293, 585, 586})
      ASSERT_NO_FATAL_FAILURE(check_floats<s8_per_group<7>>({n == 16 ? 30 : 4, n, 7 * groups}, 0));
  for (const index_t k : {2048, 2112, 4096, 4128, 8224})
    ASSERT_NO_FATAL_FAILURE(check_floats<s4_per_group<32>>({5, 48, k}, 0));
  for (const index_t k : {4097, 8191}) ASSERT_NO_FATAL_FAILURE(check_floats<u4_per_row>({26, 33, k}, 0));
}

/// Two activations, as they stand and transposed, and a batch of them: the operands of all products in one array.
template <scheme X, scheme W>
void check_pair(const shape& s) {
  constexpr index_t count = 4;
  std::mt19937 random(static_cast<unsigned>(s.m * 100 + s.n * 10 + s.k));
  const auto x = product::operand<X>(count * s.m, s.k, fill::random, random);
  const auto w = product::operand<W>(count * s.n, s.k, fill::random, random);
  const index_t size = s.m * s.n;
  std::vector<std::int32_t> expected = sized<std::int32_t>(count * s.m, s.n);
  for (index_t i = 0; i < count; ++i)
    reference::gemm(dyadic::rows_of(x.view(), i * s.m, s.m), dyadic::rows_of(w.view(), i * s.n, s.n),
                    reference::sums{}, strided<std::int32_t>(expected.data() + i * size, s.m, s.n));
  std::vector<std::uint8_t> transposed_codes(static_cast<std::size_t>(w.size_bytes()));
  for (index_t i = 0; i < count; ++i)
    for (index_t j = 0; j < s.n; ++j)
      for (index_t k = 0; k < s.k; ++k)
        store_code<W>(transposed_codes.data() + i * s.n * s.k, k * s.n + j, w.code(i * s.n + j, k));
  for (const against where : both) {
    const guarded<std::uint8_t> xs(std::span<const std::uint8_t>(x.bytes(), static_cast<std::size_t>(x.size_bytes())),
                                   where),
        ws(std::span<const std::uint8_t>(w.bytes(), static_cast<std::size_t>(w.size_bytes())), where),
        vs(std::span<const std::uint8_t>(transposed_codes), where);
    auto one_x = dyadic::rows_of(x.view(), 0, s.m);
    auto one_w = dyadic::rows_of(w.view(), 0, s.n), one_v = one_w;
    one_x.bytes = xs.data(), one_w.bytes = ws.data(), one_v.bytes = vs.data();
    one_v.rows = s.k, one_v.cols = s.n, one_v.row_stride = s.n;
    const strided_batch all_x{one_x, count, s.m * s.k};
    const strided_batch all_w{one_w, count, s.n * s.k};
    const strided_batch all_v{transposed(one_v), count, s.n * s.k};
    const auto check_with = [&](const auto& second) {
      check_guarded(
          "batch", expected, where,
          [&](std::int32_t* y, const run_options& o) {
            const strided_batch ys{strided<std::int32_t>(y, s.m, s.n), count, size};
            return try_gemm_batch(all_x, second, epilogue::sums{}, ys, o);
          },
          [&](const run_options& o) { return batch_scratch_size(all_x, second, o); });
      if (testing::Test::HasFatalFailure()) return;
      // The last product alone: its operands end with the page.
      check_guarded(
          "pair", std::vector<std::int32_t>(expected.end() - size, expected.end()), where,
          [&](std::int32_t* y, const run_options& o) {
            return try_gemm(all_x[count - 1], second[count - 1], epilogue::sums{}, strided<std::int32_t>(y, s.m, s.n),
                            o);
          },
          [&](const run_options& o) { return scratch_size(all_x[count - 1], second[count - 1], o); });
    };
    check_with(all_w);
    if (testing::Test::HasFatalFailure()) return;
    check_with(all_v);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(GemmMemory, TwoActivationsAndBatches) {
  for (const shape& s : tried) {
    ASSERT_NO_FATAL_FAILURE((check_pair<u8_per_tensor, s8_per_tensor>(s)));
    ASSERT_NO_FATAL_FAILURE((check_pair<s8_per_tensor, u8_per_tensor>(s)));
  }
}

/// Groups of a row without columns have no params, and none are read.
TEST(GemmMemory, NoColumnsAndNoParams) {
  std::mt19937 random(3);
  const auto w = pack(product::operand<s8_per_group<32>>(20, 0, fill::random, random));
  for (const against where : both) {
    const guarded<float> none(0, where);
    const quantized_view<s8_per_group<32>> x{nullptr, 5, 0, 0, none.elements(), {}};
    support::for_each_isa([&](const std::string&) {
      std::vector<float> y(100, 77.0f);
      ASSERT_TRUE(try_gemm(x, w, epilogue::dequantize{}, strided<float>(y.data(), 5, 20)));
      ASSERT_EQ(y, std::vector<float>(100));
    });
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

}  // namespace gemm_memory_test
