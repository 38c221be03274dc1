// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cfenv>
#include <limits>

#include <dyadic/core/float_environment.hpp>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace float_environment_test {

/// What arithmetic does now. Volatile, so that it happens here and not in the compiler.
struct behaviour {
  bool up = false;       // 1 + 2^-30 is more than 1
  bool down = false;     // -1 - 2^-30 is less than -1, or 1 - 2^-30 is less than 1
  bool flushes = false;  // a subnormal result or operand is taken for zero
  friend bool operator==(const behaviour&, const behaviour&) = default;
};

behaviour now() {
  volatile float one = 1, tiny = 0x1p-30F, smallest = std::numeric_limits<float>::min(), half = 0.5F;
  volatile float up = one + tiny, down = -one - tiny, less = one - tiny;
  volatile float subnormal = smallest * half;
  volatile float back = subnormal / half;
  const bool flushes = back == 0.0F;
  return {up > 1.0F, down < -1.0F || less < 1.0F, flushes};
}

/// Sets the rounding mode of a host program, and flush-to-zero where the test knows how; restores on the way out.
class host {
 public:
  explicit host(int mode) {
    std::fegetenv(&found_);
    std::fesetround(mode);
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040U);  // FTZ and DAZ
#elif defined(__aarch64__)
    std::uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    __asm__ volatile("msr fpcr, %0" : : "r"(word | 1U << 24) : "memory");
#endif
  }
  host(const host&) = delete;
  host& operator=(const host&) = delete;
  ~host() { std::fesetenv(&found_); }

 private:
  std::fenv_t found_;
};

TEST(FloatEnvironment, IsTheDefaultInsideAndTheHostsAfterwards) {
  ASSERT_EQ(now(), behaviour{}) << "the test itself must start from the default";
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST}) {
    const host changed(mode);
    const behaviour before = now();
#if defined(__x86_64__) || defined(__aarch64__)
    ASSERT_TRUE(before.flushes);
#endif
    ASSERT_EQ(before.up, mode == FE_UPWARD);
    ASSERT_EQ(before.down, mode == FE_DOWNWARD || mode == FE_TOWARDZERO);
    {
      const dyadic::default_float_environment guard;
      EXPECT_EQ(now(), behaviour{}) << mode;
    }
    EXPECT_EQ(now(), before) << mode;
  }
  EXPECT_EQ(now(), behaviour{});
}

TEST(FloatEnvironment, Nests) {
  const host changed(FE_UPWARD);
  const behaviour before = now();
  {
    const dyadic::default_float_environment outer;
    {
      const dyadic::default_float_environment inner;
      EXPECT_EQ(now(), behaviour{});
    }
    EXPECT_EQ(now(), behaviour{});
  }
  EXPECT_EQ(now(), before);
}

#if defined(__x86_64__)
TEST(FloatEnvironment, RestoresTheWholeControlWord) {
  const unsigned found = _mm_getcsr();
  // Rounding mode, flush bits, and one exception unmasked: no operation inside raises it.
  for (const unsigned word : {0x1F80U, 0x9FC0U, 0x7F80U, 0xDFC0U, 0x1F00U}) {
    _mm_setcsr(word);
    unsigned inside = 0;
    {
      const dyadic::default_float_environment guard;
      inside = _mm_getcsr();
    }
    const unsigned after = _mm_getcsr();
    _mm_setcsr(found);
    EXPECT_EQ(inside & ~0x3FU, 0x1F80U);
    EXPECT_EQ(after & ~0x3FU, word);
  }
}
#endif

}  // namespace float_environment_test
