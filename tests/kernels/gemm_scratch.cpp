// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// scratch_size is exact: a call that was given so much allocates nothing, and with a byte less it has to.
#include <dyadic/kernels/gemm_batch.hpp>
#include <dyadic/scheme/name.hpp>

#include <atomic>

#include "kernels/product.hpp"
#include "support/allocations.hpp"

namespace gemm_scratch_test {

using namespace dyadic;
using product::fill, product::shape;
using support::allocations_of;

/// What a product is tried on: scratch_size and the product itself, with options.
struct call {
  std::string what;
  std::function<index_t(const run_options&)> size;
  std::function<result<void>(const run_options&)> run;
  bool always_takes = false;  ///< memory, however small
};

/// Whether the calls of a file, all together, used memory of a workspace and did without.
struct tally {
  int took = 0, did_without = 0;
};

void check(const call& c, tally& seen) {
  support::for_each_isa([&](const std::string& isa) {
    for (const int count : {1, 2, 7}) {
      const std::string where = c.what + ", " + isa + ", " + std::to_string(count) + " threads";
      const executor_ref who = product::threads(count);
      const index_t size = c.size(run_options{who, nullptr});
      workspace exact, less;
      ASSERT_TRUE(exact.reserve(size) != nullptr || size == 0);
      ASSERT_TRUE(size < 2 || less.reserve(size - 1) != nullptr);
      result<void> ok;
      EXPECT_EQ(allocations_of([&] { ok = c.run({who, &exact}); }), 0) << where;
      ASSERT_TRUE(ok) << where << ": " << ok.error().message();
      EXPECT_EQ(exact.size_bytes(), size) << where;
      // Small products in one part do without; what does not fit their stack must come from the workspace.
      const std::int64_t grown = allocations_of([&] { ok = c.run({who, &less}); });
      ASSERT_TRUE(ok) << where;
      const bool without = grown == 0;
      (without ? seen.did_without : seen.took) += 1;
      if (without) {
        EXPECT_LE(size, kernels::small_scratch) << where;
        EXPECT_FALSE(c.always_takes && size > 0) << where;
        EXPECT_EQ(allocations_of([&] { ok = c.run({who, nullptr}); }), 0) << where;
      } else {
        EXPECT_EQ(less.size_bytes(), size) << where;
        EXPECT_GT(allocations_of([&] { ok = c.run({who, nullptr}); }), 0) << where;
      }
    }
  });
}

constexpr shape tried[] = {{1, 1, 32},   {1, 300, 64},   {4, 17, 32},   {7, 40, 96},    {30, 130, 64},
                           {90, 70, 96}, {200, 33, 128}, {5, 80, 9216}, {500, 20, 160}, {0, 4, 32}};

template <scheme X, scheme W>
void check_codes(tally& seen) {
  std::mt19937 random(71);
  for (const shape& s : tried) {
    const auto x = product::operand<X>(s.m, s.k, fill::random, random);
    const product::spread_out<X> apart(x);
    const auto w = pack(product::operand<W>(s.n, s.k, fill::random, random));
    std::vector<float> memory(static_cast<std::size_t>(s.m * s.n));
    const strided<float> y(memory.data(), s.m, s.n);
    for (const auto& view : {x.view(), apart.view})
      check({std::string(scheme_name(X).c_str()) + " by " + scheme_name(W).c_str(),
             [&](const run_options& o) { return scratch_size(view, w, o); },
             [&](const run_options& o) { return try_gemm(view, w, epilogue::dequantize{}, y, o); }},
            seen);
    if (testing::Test::HasFatalFailure()) return;
  }
}
TEST(GemmScratch, Codes) {
  tally seen;
  check_codes<u8_per_tensor, s8_per_row>(seen);
  check_codes<s8_asymmetric_per_row, u4_per_row>(seen);
  check_codes<u8_per_row, u4_per_group<32>>(seen);
  check_codes<s8_per_group<32>, s4_per_group<32>>(seen);
  EXPECT_GT(seen.took, 0);
  EXPECT_GT(seen.did_without, 0);
}

template <scheme W>
void check_floats(tally& seen) {
  std::mt19937 random(72);
  for (const shape& s : tried) {
    const auto numbers = product::numbers(s.m * s.k, 1.0f, random);
    const auto w = pack(product::operand<W>(s.n, s.k, fill::random, random));
    std::vector<float> memory(static_cast<std::size_t>(s.m * s.n));
    const strided<float> y(memory.data(), s.m, s.n);
    for (const auto& x :
         {strided<const float>(numbers.data(), s.m, s.k), strided<const float>(numbers.data(), s.m, s.k, 1, s.m)}) {
      check({std::string("floats by ") + scheme_name(W).c_str(),
             [&](const run_options& o) { return scratch_size(x, w, o); },
             [&](const run_options& o) { return try_gemm(x, w, epilogue::dequantize{}, y, o); }},
            seen);
      const dynamic_rows<u8_per_row> rows(x);
      check({std::string("rows by ") + scheme_name(W).c_str(),
             [&](const run_options& o) { return scratch_size(rows, w, o); },
             [&](const run_options& o) { return try_gemm(rows, w, epilogue::dequantize{}, y, o); }},
            seen);
      if constexpr (W.per == granularity::per_group) {
        const dynamic_rows<s8_per_group<W.group>> groups(x);
        check({std::string("groups by ") + scheme_name(W).c_str(),
               [&](const run_options& o) { return scratch_size(groups, w, o); },
               [&](const run_options& o) { return try_gemm(groups, w, epilogue::dequantize{}, y, o); }},
              seen);
      }
    }
    if (testing::Test::HasFatalFailure()) return;
  }
}
TEST(GemmScratch, WeightOnlyAndDynamic) {
  tally seen;
  check_floats<s8_per_row>(seen);
  check_floats<u4_per_group<32>>(seen);
  EXPECT_GT(seen.took, 0);
  EXPECT_GT(seen.did_without, 0);
}

TEST(GemmScratch, Reals) {
  tally seen;
  std::mt19937 random(73);
  for (const shape& s : tried) {
    const auto numbers = product::numbers(s.m * s.k, 1.0f, random), weights = product::numbers(s.n * s.k, 1.0f, random);
    const auto w = pack(strided<const float>(weights.data(), s.n, s.k));
    std::vector<float> memory(static_cast<std::size_t>(s.m * s.n));
    const strided<float> y(memory.data(), s.m, s.n);
    for (const auto& x :
         {strided<const float>(numbers.data(), s.m, s.k), strided<const float>(numbers.data(), s.m, s.k, 1, s.m)})
      check({"floats by floats", [&](const run_options& o) { return scratch_size(x, w, o); },
             [&](const run_options& o) { return try_gemm(x, w, epilogue::dequantize{}, y, o); }},
            seen);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(seen.took, 0);
  EXPECT_GT(seen.did_without, 0);
}

TEST(GemmScratch, TwoActivations) {
  tally seen;
  std::mt19937 random(74);
  for (const shape& s : tried) {
    const auto x = product::operand<u8_per_tensor>(s.m, s.k, fill::random, random);
    const auto w = product::operand<u8_per_tensor>(s.n, s.k, fill::random, random);
    const auto v = product::operand<s8_per_tensor>(s.k, s.n, fill::random, random);
    std::vector<std::int32_t> memory(static_cast<std::size_t>(s.m * s.n));
    const strided<std::int32_t> y(memory.data(), s.m, s.n);
    check({"x * w^T", [&](const run_options& o) { return scratch_size(x, w, o); },
           [&](const run_options& o) { return try_gemm(x, w, epilogue::sums{}, y, o); }, true},
          seen);
    check({"x * v", [&](const run_options& o) { return scratch_size(x.view(), transposed(v), o); },
           [&](const run_options& o) { return try_gemm(x, transposed(v), epilogue::sums{}, y, o); }, true},
          seen);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(seen.took, 0);
}

TEST(GemmScratch, Batches) {
  tally seen;
  std::mt19937 random(75);
  for (const shape& s : {shape{4, 17, 33}, shape{30, 130, 64}, shape{1, 300, 512}, shape{5, 80, 5000}})
    for (const index_t count : {1, 3, 16}) {
      const auto x = product::operand<u8_per_tensor>(count * s.m, s.k, fill::random, random);
      const auto w = product::operand<s8_per_tensor>(count * s.n, s.k, fill::random, random);
      std::vector<float> memory(static_cast<std::size_t>(count * s.m * s.n));
      const strided_batch xs{dyadic::rows_of(x.view(), 0, s.m), count, s.m * s.k};
      const strided_batch ws{dyadic::rows_of(w.view(), 0, s.n), count, s.n * s.k};
      const strided_batch ys{strided<float>(memory.data(), s.m, s.n), count, s.m * s.n};
      check({"batch of " + std::to_string(count), [&](const run_options& o) { return batch_scratch_size(xs, ws, o); },
             [&](const run_options& o) { return try_gemm_batch(xs, ws, epilogue::dequantize{}, ys, o); }, true},
            seen);
      if (HasFatalFailure()) return;
    }
  EXPECT_GT(seen.took, 0);
}

/// Nothing is needed where gemm would refuse.
TEST(GemmScratch, OfRefusedOperands) {
  std::mt19937 random(76);
  const auto x = product::operand<s8_per_group<32>>(3, 64, fill::random, random);
  const auto w = pack(product::operand<s4_per_group<16>>(5, 64, fill::random, random));
  const std::vector<float> numbers(3 * 64);
  EXPECT_EQ(scratch_size(x, w), 0);
  EXPECT_EQ(scratch_size(dynamic_rows<s8_per_group<32>>(strided<const float>(numbers.data(), 3, 64)), w), 0);
}

/// The counter counts: a vector, an aligned buffer, an allocation in another thread. Someone looks at the memory, or a
/// compiler may leave the allocation out.
TEST(GemmScratch, AllocationsAreSeen) {
  static std::atomic<const void*> seen{nullptr};
  EXPECT_GT(allocations_of([] {
              const std::vector<int> v(1000);
              seen = v.data();
            }),
            0);
  const auto look_at_a_buffer = [] {
    const auto b = buffer<float>::make(100);
    seen = b->data();
  };
  EXPECT_GT(allocations_of(look_at_a_buffer), 0);
  EXPECT_GT(allocations_of([&] { product::threads(2).parallel_for(2, [&](index_t) { look_at_a_buffer(); }); }), 1);
  EXPECT_EQ(allocations_of([] {}), 0);
}

}  // namespace gemm_scratch_test
