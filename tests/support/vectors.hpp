// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Test vectors made by others: in a folder outside the repository (DYADIC_VECTORS, or ../shared/vectors beside the
// sources), or in tests/data.
//
// NAME.bin is raw little endian; NAME.idx has lines "case tensor dtype ndim dims... offset nbytes" and "case @param
// value". Types that end in -packed hold several elements a byte, the first in the low bits.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <dyadic/core/config.hpp>

namespace support {

using dyadic::index_t;

struct tensor {
  std::string type;
  std::vector<index_t> shape;  ///< of elements; of a packed type, of bytes
  std::vector<std::uint8_t> bytes;

  index_t count() const {
    index_t n = 1;
    for (const index_t d : shape) n *= d;
    return n;
  }

  /// Elements of a type that is stored as it is.
  template <class T>
  std::vector<T> as() const {
    static_assert(std::endian::native == std::endian::little, "the vectors are little endian");
    std::vector<T> all(bytes.size() / sizeof(T));
    std::memcpy(all.data(), bytes.data(), all.size() * sizeof(T));
    return all;
  }

  /// Any integer type, packed ones too, as int. A packed tensor does not say how many of its last byte are elements: n
  /// does.
  std::vector<std::int32_t> integers(std::size_t n) const {
    const bool is_signed = type[0] == 'i';
    const auto digits = type.find_first_of("0123456789");
    const auto bits = static_cast<unsigned>(std::stoi(type.substr(digits)));
    std::vector<std::int32_t> all;
    for (std::size_t e = 0; e < n; ++e) {
      const std::size_t first = e * bits;
      std::uint32_t x = bytes.at(first / 8);
      if (bits == 16) x |= static_cast<std::uint32_t>(bytes.at(first / 8 + 1)) << 8;
      if (bits == 32) std::memcpy(&x, &bytes.at(first / 8), 4);
      x = x >> (first % 8) & (bits == 32 ? 0xFFFFFFFFU : (1U << bits) - 1);
      const std::uint32_t sign = is_signed ? 1U << (bits - 1) : 0;
      all.push_back(static_cast<std::int32_t>((x ^ sign) - sign));
    }
    return all;
  }
};

struct vector_case {
  std::map<std::string, tensor> tensors;
  std::map<std::string, std::string> attributes;

  const tensor& operator[](const std::string& name) const { return tensors.at(name); }
  bool has(const std::string& name) const { return tensors.count(name) != 0; }
};

using vector_cases = std::map<std::string, vector_case>;

inline std::string vectors_folder() {
  if (const char* given = std::getenv("DYADIC_VECTORS")) return given;
  return std::string(DYADIC_SOURCE_DIR) + "/../shared/vectors";
}

/// All cases of the pair of files PATH.idx and PATH.bin; empty when they are not there.
inline vector_cases load_vector_files(const std::string& path) {
  std::ifstream index(path + ".idx"), data(path + ".bin", std::ios::binary);
  std::vector<char> bin((std::istreambuf_iterator<char>(data)), std::istreambuf_iterator<char>());
  vector_cases all;
  for (std::string line; std::getline(index, line);) {
    std::istringstream words(line);
    std::string which, what;
    words >> which >> what;
    if (what[0] == '@') {
      std::getline(words >> std::ws, all[which].attributes[what.substr(1)]);
      continue;
    }
    tensor t;
    std::size_t dims = 0, offset = 0, size = 0;
    words >> t.type >> dims;
    t.shape.resize(dims);
    for (index_t& d : t.shape) words >> d;
    words >> offset >> size;
    if (!words || offset + size > bin.size()) std::abort();
    t.bytes.assign(bin.begin() + static_cast<std::ptrdiff_t>(offset),
                   bin.begin() + static_cast<std::ptrdiff_t>(offset + size));
    all[which].tensors[what] = std::move(t);
  }
  return all;
}

/// All cases of NAME in the folder outside the repository; empty when that is not there.
inline vector_cases load_vectors(const std::string& name) { return load_vector_files(vectors_folder() + "/" + name); }

/// All cases of NAME in tests/data, where they were made by the script NAME.py beside them.
inline vector_cases load_repo_vectors(const std::string& name) {
  return load_vector_files(std::string(DYADIC_SOURCE_DIR) + "/tests/data/" + name);
}

}  // namespace support
