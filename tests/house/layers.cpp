// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The walls: which folder may include which, where Eigen may stand, and what every header looks like.
#include "house/house.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace layers_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Layers, TheCheckSeesAnUpwardInclude) {
  const house::header h{"scheme/x.hpp",
                        "#pragma once\n#include <dyadic/core/a.hpp>\n#include <dyadic/kernels/b.hpp>\n"};
  EXPECT_THAT(house::wall_violations(h), ElementsAre(HasSubstr("scheme stands before kernels")));
}

TEST(Layers, TheCheckSeesEigenWhereItMustNotBe) {
  EXPECT_THAT(house::wall_violations({"network/x.hpp", "  #  include <Eigen/Core>\n"}),
              ElementsAre(HasSubstr("Eigen")));
  EXPECT_THAT(house::wall_violations({"dyadic.hpp", "#include <unsupported/Eigen/FFT>\n"}),
              ElementsAre(HasSubstr("Eigen")));
  EXPECT_THAT(house::wall_violations({"tune/x.hpp", "#include <Eigen/Core>\n"}), IsEmpty());
}

TEST(Layers, TheCheckSeesQuotesAndUnknownFolders) {
  EXPECT_THAT(house::wall_violations({"core/x.hpp", "#include \"a.hpp\"\n"}),
              ElementsAre(HasSubstr("expected <dyadic/")));
  EXPECT_THAT(house::wall_violations({"core/x.hpp", "#include <dyadic/attic/a.hpp>\n"}),
              ElementsAre(HasSubstr("attic")));
  EXPECT_THAT(house::wall_violations({"dyadic.hpp", "#include <dyadic/trust/a.hpp>\n"}), IsEmpty());
}

TEST(Layers, EveryIncludeGoesDown) {
  const auto headers = house::headers();
  ASSERT_FALSE(headers.empty()) << "no header under " << house::source_dir();
  for (const auto& h : headers) EXPECT_THAT(house::wall_violations(h), IsEmpty());
}

TEST(Layers, EveryHeaderLivesInARoom) {
  for (const auto& h : house::headers())
    EXPECT_TRUE(h.path == "dyadic.hpp" || house::position(h.folder()) < house::order.size()) << h.path;
}

TEST(Layers, EveryHeaderOpensWithLicenceAndSentence) {
  for (const auto& h : house::headers()) {
    EXPECT_TRUE(h.text.starts_with("// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n// ")) << h.path;
    EXPECT_EQ(h.text.find("\n#pragma once\n") == std::string::npos, h.is_part()) << h.path;
  }
}

TEST(Layers, NoHeaderIsLong) {
  for (const auto& h : house::headers())
    EXPECT_LE(std::count(h.text.begin(), h.text.end(), '\n'), 350) << h.path << ": what is the second idea?";
}

// The umbrella is everything that needs nothing but the standard library. Apart stand tune, which needs Eigen; interop,
// other people's formats; threads, which cost time to compile; and the reference, which only tests need.
/// dyadic.hpp for those who quantize and run; calibrate.hpp and formats.hpp for what not everyone needs; trust/trust.hpp
/// for those who ask what it did.
TEST(Layers, TheUmbrellasReachEveryRoom) {
  std::map<std::string, house::header> by_path;
  for (auto& h : house::headers()) by_path.emplace("dyadic/" + h.path, h);
  std::set<std::string> reached;
  std::vector<std::string> open{"dyadic/dyadic.hpp", "dyadic/calibrate/calibrate.hpp", "dyadic/quantize/formats.hpp",
                                "dyadic/trust/trust.hpp"};
  for (const std::string& umbrella : open)
    if (!by_path.contains(umbrella)) FAIL() << "include/" << umbrella << " does not exist";
  while (!open.empty()) {
    const std::string path = open.back();
    open.pop_back();
    if (!by_path.contains(path) || !reached.insert(path).second) continue;
    for (const std::string& target : house::includes_of(by_path.at(path).text))
      open.push_back(target.substr(1, target.size() - 2));
  }
  for (const auto& [path, h] : by_path) {
    const bool apart = h.folder() == "tune" || h.folder() == "interop" || h.path == "core/thread_pool.hpp" ||
                       h.path.starts_with("kernels/reference/");
    EXPECT_EQ(reached.contains(path), !apart) << path;
  }
}

}  // namespace layers_test
