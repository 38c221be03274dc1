// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of the house as functions over text, so that a test can show that each one notices its violation.
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace house {

/// Data walks through the folders in this order; a folder may include only itself and folders before it.
inline constexpr std::array<std::string_view, 11> order{"core",      "fixed_point", "scheme",  "simd",
                                                        "calibrate", "quantize",    "kernels", "network",
                                                        "tune",      "trust",       "interop"};

/// Position of a folder in the order; order.size() for the umbrella, which stands above all, and for unknown folders.
inline std::size_t position(std::string_view folder) {
  std::size_t i = 0;
  while (i < order.size() && order[i] != folder) ++i;
  return i;
}

struct header {
  std::string path;  ///< relative to include/dyadic, "core/result.hpp"
  std::string text;

  std::string folder() const {
    const auto slash = path.find('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
  }
  /// A part that another header includes, perhaps several times: it does not stand alone.
  bool is_part() const { return path.ends_with(".inl.hpp"); }
};

/// Every #include's target, in order, with its brackets or quotes.
inline std::vector<std::string> includes_of(const std::string& text) {
  static const std::regex line(R"re((?:^|\n)[ \t]*#[ \t]*include[ \t]*([<"][^>"\n]*[>"]))re");
  std::vector<std::string> found;
  for (std::sregex_iterator i(text.begin(), text.end(), line), end; i != end; ++i) found.push_back((*i)[1]);
  return found;
}

/// What breaks the walls between folders, as sentences; empty when all is well.
inline std::vector<std::string> wall_violations(const header& h) {
  std::vector<std::string> found;
  const std::size_t own = position(h.folder());
  for (const std::string& target : includes_of(h.text)) {
    const std::string inside = target.substr(1, target.size() - 2);
    if (target.front() == '"') found.push_back(h.path + " includes " + target + ", expected <dyadic/...>");
    if (inside.starts_with("Eigen/") || inside.starts_with("unsupported/Eigen/")) {
      if (own <= position("network") || own == order.size())
        found.push_back(h.path + " includes Eigen, which only tune, trust and interop may");
    }
    if (!inside.starts_with("dyadic/")) continue;
    const std::string rest = inside.substr(7);
    const std::string folder = rest.substr(0, rest.find('/'));
    if (own < order.size() && position(folder) > own)
      found.push_back(h.path + " includes " + inside + ", but " + h.folder() + " stands before " + folder);
  }
  return found;
}

inline std::filesystem::path source_dir() { return DYADIC_SOURCE_DIR; }

inline std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Every header under include/dyadic.
inline std::vector<header> headers() {
  std::vector<header> found;
  const auto root = source_dir() / "include" / "dyadic";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".hpp") continue;
    found.push_back({std::filesystem::relative(entry.path(), root).generic_string(), read(entry.path())});
  }
  return found;
}

}  // namespace house
