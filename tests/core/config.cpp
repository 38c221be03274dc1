// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <string>
#include <type_traits>

#include <dyadic/core/config.hpp>

#define TEXT_OF(x) TEXT(x)
#define TEXT(x) #x

namespace config_test {

static_assert(std::is_signed_v<dyadic::index_t> && sizeof(dyadic::index_t) == sizeof(void*));
static_assert(std::is_same_v<dyadic::index_t, dyadic::DYADIC_ABI::index_t>);

TEST(Config, TheAbiTagSpellsTheVersion) {
  const std::string version =
      "v" TEXT_OF(DYADIC_VERSION_MAJOR) "_" TEXT_OF(DYADIC_VERSION_MINOR) "_" TEXT_OF(DYADIC_VERSION_PATCH) "_";
  EXPECT_EQ(std::string(TEXT_OF(DYADIC_ABI)).rfind(version, 0), 0U) << TEXT_OF(DYADIC_ABI);
}

TEST(Config, TheAbiTagSpellsTheInstructionSetAndExceptions) {
  const std::string tag = TEXT_OF(DYADIC_ABI);
#if defined(__AVX512F__)
  EXPECT_NE(tag.find("_avx512"), std::string::npos) << tag;
#elif !defined(__AVX__)
  EXPECT_EQ(tag.find("_avx"), std::string::npos) << tag;
#endif
  EXPECT_EQ(tag.find("_noexc") == std::string::npos, DYADIC_EXCEPTIONS == 1) << tag;
}

}  // namespace config_test
