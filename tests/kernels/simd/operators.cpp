// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/simd/dispatch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <dyadic/core/thread_pool.hpp>

#include "fixed_point/exact.hpp"
#include "kernels/product.hpp"
#include "support/data.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace operators_test {

using namespace dyadic;
using product::fill;
using support::text_of;

/// The automatic choice is back after each test, and the environment as it was.
struct Dispatch : testing::Test {
  Dispatch() {
    if (const char* was = std::getenv("DYADIC_ISA"); was != nullptr) found = was;
    unsetenv("DYADIC_ISA");
    static_cast<void>(try_force_isa(nullptr));
  }
  ~Dispatch() override {
    if (!found.empty()) setenv("DYADIC_ISA", found.c_str(), 1);
    static_cast<void>(try_force_isa(nullptr));
  }
  std::string found;
};

TEST_F(Dispatch, TheFirstSupportedOneRunsByItself) {
  EXPECT_EQ(active_isa(), support::isas().front());
  const char* names[1] = {nullptr};
  EXPECT_EQ(supported_isas(names, 0), 0);
  EXPECT_EQ(names[0], nullptr);
  EXPECT_EQ(supported_isas(names, 1), 1);
  EXPECT_EQ(names[0], support::isas().front());
}

TEST_F(Dispatch, ForceNamesOneAndNullptrLetsGo) {
  for (const std::string& name : support::isas()) {
    ASSERT_TRUE(try_force_isa(name.c_str()));
    EXPECT_EQ(active_isa(), name);
  }
  ASSERT_TRUE(try_force_isa(nullptr));
  EXPECT_EQ(active_isa(), support::isas().front());
}

TEST_F(Dispatch, AnUnknownNameIsRefusedAndNothingChanges) {
  ASSERT_TRUE(try_force_isa("scalar"));
  const auto refused = try_force_isa("avx1024");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::unknown_name);
  EXPECT_EQ(text_of(refused), "force_isa: this build has no instruction set 'avx1024'");
  EXPECT_EQ(text_of(try_force_isa("")), "force_isa: this build has no instruction set ''");
  EXPECT_STREQ(active_isa(), "scalar");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(force_isa("avx1024"), std::invalid_argument);
#endif
}

/// What this build has and this machine has not.
TEST_F(Dispatch, AnUnsupportedNameIsRefused) {
  simd::detail::entry all[simd::isas::size];
  simd::detail::describe(simd::isas{}, all);
  int unsupported = 0;
  for (const auto& one : all)
    if (!one.supported) {
      ++unsupported;
      EXPECT_EQ(text_of(try_force_isa(one.name)),
                "force_isa: this machine does not support '" + std::string(one.name) + "'");
      setenv("DYADIC_ISA", one.name, 1);
      ASSERT_TRUE(try_force_isa(nullptr));
      EXPECT_EQ(active_isa(), support::isas().front());
    }
  if (unsupported == 0) GTEST_SKIP() << "this machine supports every instruction set of this build";
}

TEST_F(Dispatch, TheEnvironmentNamesOne) {
  for (const std::string& name : support::isas()) {
    setenv("DYADIC_ISA", name.c_str(), 1);
    ASSERT_TRUE(try_force_isa(nullptr));
    EXPECT_EQ(active_isa(), name);
  }
  for (const char* nothing : {"", "avx1024"}) {
    setenv("DYADIC_ISA", nothing, 1);
    ASSERT_TRUE(try_force_isa(nullptr));
    EXPECT_EQ(active_isa(), support::isas().front()) << "'" << nothing << "'";
  }
  setenv("DYADIC_ISA", "scalar", 1);
  ASSERT_TRUE(try_force_isa(support::isas().front().c_str()));
  EXPECT_EQ(active_isa(), support::isas().front()) << "a name that is forced goes before the environment";
}

/// The first use of the library in this process, when it runs alone: as it does in the child of the next test.
TEST(DispatchChild, RunsWhatTheEnvironmentSays) {
  const char* wanted = std::getenv("DYADIC_ISA");
  bool supported = false;
  for (const std::string& name : support::isas()) supported = supported || (wanted != nullptr && name == wanted);
  EXPECT_EQ(std::string(active_isa()), supported ? wanted : support::isas().front());
}

TEST_F(Dispatch, AFreshProcessReadsTheEnvironment) {
  char self[4096] = {};
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) GTEST_SKIP() << "no /proc/self/exe";
  for (const std::string& name : support::isas()) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      setenv("DYADIC_ISA", name.c_str(), 1);
      unsetenv("GTEST_OUTPUT");
      execl(self, self, "--gtest_filter=DispatchChild.*", "--gtest_brief=1", nullptr);
      _exit(125);  // another machine's program, under an emulator
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 125) GTEST_SKIP() << "cannot start a second process";
    EXPECT_EQ(WEXITSTATUS(status), 0) << name;
  }
}

/// Eight threads meet the library at the same moment, and get the same product.
TEST_F(Dispatch, ManyThreadsMayBeTheFirst) {
  std::mt19937 random(1);
  const auto x = product::operand<u8_per_tensor>(5, 33, fill::random, random);
  const auto w = pack(product::operand<s8_per_row>(19, 33, fill::random, random));
  std::vector<float> expected(5 * 19);
  gemm(x, w, epilogue::dequantize{}, strided<float>(expected.data(), 5, 19));
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(try_force_isa(nullptr));  // no choice has been made
    std::atomic<int> ready{0}, wrong{0};
    std::vector<std::thread> all;
    for (int t = 0; t < 8; ++t)
      all.emplace_back([&] {
        std::vector<float> y(expected.size());
        ready.fetch_add(1);
        while (ready.load() < 8) std::this_thread::yield();
        gemm(x, w, epilogue::dequantize{}, strided<float>(y.data(), 5, 19));
        if (y != expected || active_isa() != support::isas().front()) wrong.fetch_add(1);
      });
    for (std::thread& t : all) t.join();
    ASSERT_EQ(wrong.load(), 0);
  }
}

/// Scales and biases small enough that flushing subnormals, and rounding another way, both show.
struct tender {
  std::mt19937 random{2};
  quantized<u8_per_row> x = product::operand<u8_per_row>(7, 32, fill::random, random);
  quantized<s4_per_group<8>> grouped = product::operand<s4_per_group<8>>(18, 32, fill::random, random);
  packed_weights w;
  std::vector<float> bias = product::numbers(18, 0x1p-131f, random);
  tender() {
    std::vector<float> x_scales, w_scales, tiny;
    for (const float s : x.params().scales()) x_scales.push_back(s * 0x1p-60f);
    for (const float s : grouped.params().scales()) w_scales.push_back(s * 0x1p-60f);
    auto a = quantized<u8_per_row>::try_make(7, 32, params<u8_per_row>(x_scales, x.params().zero_points())).value();
    std::memcpy(a.bytes(), x.bytes(), static_cast<std::size_t>(x.size_bytes()));
    auto b = quantized<s4_per_group<8>>::try_make(18, 32, params<s4_per_group<8>>(w_scales)).value();
    std::memcpy(b.bytes(), grouped.bytes(), static_cast<std::size_t>(grouped.size_bytes()));
    x = std::move(a);
    grouped = std::move(b);
    w = pack(grouped);
  }
  std::vector<float> run(const run_options& options) const {
    std::vector<float> y(7 * 18);
    gemm(x, w, epilogue::dequantize{} | epilogue::add_bias{bias}, strided<float>(y.data(), 7, 18), options);
    return y;
  }
};

/// Bits are compared without the help of the float unit, which may be flushing.
bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_F(Dispatch, TheHostsRoundingAndFlushingDoNotReachTheResult) {
  const tender t;
  ASSERT_TRUE(try_force_isa("scalar"));
  const std::vector<float> expected = t.run({});
  int subnormal = 0;
  for (const float v : expected) subnormal += v != 0.0f && std::abs(v) < 0x1p-126f ? 1 : 0;
  ASSERT_GT(subnormal, 20) << "numbers that flushing would not touch prove nothing";
  support::for_each_isa([&](const std::string& isa) {
    exact::in_every_environment([&] {
      EXPECT_TRUE(same_bits(t.run({}), expected)) << isa;
      thread_pool pool(3);  // threads inherit the environment of the thread that starts them
      EXPECT_TRUE(same_bits(t.run({pool, nullptr}), expected)) << isa << ", 3 threads";
    });
  });
}

TEST_F(Dispatch, TheHostsEnvironmentIsRestored) {
  const tender t;
  support::for_each_isa([&](const std::string& isa) {
    exact::in_every_environment([&] {
      const int rounding_before = std::fegetround();
#if defined(__x86_64__)
      const unsigned control_before = _mm_getcsr() & ~0x3FU;
      static_cast<void>(t.run({}));
      EXPECT_EQ(_mm_getcsr() & ~0x3FU, control_before) << isa;
#else
      static_cast<void>(t.run({}));
#endif
      EXPECT_EQ(std::fegetround(), rounding_before) << isa;
    });
  });
}

}  // namespace operators_test
