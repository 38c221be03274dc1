// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The front door: what stands at the top level of the repository.
#include <cstdio>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "house/house.hpp"

namespace top_level_test {

TEST(TopLevel, HoldsTheAllowedNamesOnly) {
  if (!std::filesystem::exists(house::source_dir() / ".git")) GTEST_SKIP() << "not a git checkout";
  const std::string command = "git -C '" + house::source_dir().string() + "' ls-files 2>/dev/null";
  std::FILE* files = popen(command.c_str(), "r");
  ASSERT_NE(files, nullptr);
  std::set<std::string> names;
  std::string path;
  for (int c = std::fgetc(files); c != EOF; c = std::fgetc(files)) {
    if (c != '\n') {
      path += static_cast<char>(c);
      continue;
    }
    names.insert(path.substr(0, path.find('/')));
    path.clear();
  }
  if (pclose(files) != 0 || names.empty()) GTEST_SKIP() << "git lists no files here";

  EXPECT_THAT(names, ::testing::UnorderedElementsAre("include", "tests", "bench", "examples", "cmake", "CMakeLists.txt",
                                                     "README.md", "LICENSE", ".ci", ".clang-format", ".clang-tidy",
                                                     ".gitignore", ".github"));
}

}  // namespace top_level_test
