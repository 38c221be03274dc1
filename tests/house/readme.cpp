// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the README shows is what the examples hold: every snippet is cut out of a program that CTest runs.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "house/house.hpp"

namespace readme_test {

const std::filesystem::path source(DYADIC_SOURCE_DIR);

/// The lines between two lines that are `marker`, without their common indentation.
std::string between(const std::string& text, const std::string& marker) {
  const auto first = text.find(marker), last = text.find(marker, first + marker.size());
  if (first == std::string::npos || last == std::string::npos) return {};
  std::vector<std::string> lines;
  std::size_t indent = std::string::npos;
  for (auto at = text.find('\n', first) + 1; at < text.rfind('\n', last) + 1;) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    if (const auto used = lines.back().find_first_not_of(' '); used != std::string::npos)
      indent = std::min(indent, used);
    at = end + 1;
  }
  std::string out;
  for (const std::string& line : lines) out += (line.size() > indent ? line.substr(indent) : "") + "\n";
  return out;
}

TEST(Readme, SnippetsAreCutOutOfTheExamples) {
  const std::string readme = house::read(source / "README.md");
  const std::regex snippet("<!-- (examples/[a-z0-9_/]+\\.[ch]pp) \\[([a-z]+)\\] -->\n```cpp\n([^`]*)```");
  int found = 0;
  for (std::sregex_iterator m(readme.begin(), readme.end(), snippet), end; m != end; ++m, ++found) {
    const std::string example = house::read(source / (*m)[1].str());
    EXPECT_EQ(between(example, "// [" + (*m)[2].str() + "]\n"), (*m)[3].str()) << (*m)[1];
  }
  EXPECT_GE(found, 2);
}

TEST(Readme, FirstScreenHasTheTwoCommandsAndWhatTheDemoPrints) {
  const std::string readme = house::read(source / "README.md");
  const auto demo = readme.find("sh cmake/setup.sh && cmake -B build && cmake --build build -j4 --target demo\n");
  const auto check = readme.find("sh cmake/setup.sh && cmake -B build && cmake --build build -j4 --target check\n");
  const auto table = readme.find("int8_static"), concepts = readme.find("## Concepts");
  EXPECT_NE(demo, std::string::npos);
  EXPECT_LT(demo, check);
  EXPECT_LT(check, table);
  EXPECT_LT(table, concepts);
}

}  // namespace readme_test
