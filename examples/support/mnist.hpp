// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads images and labels in the MNIST file format (idx3 and idx1), plain or, when built with zlib, gzipped.
//
//   const dataset test = load_mnist("/usr/share/datasets/fashion-mnist", "t10k");
//
// A file is untrusted: magic, counts and sizes are checked before anything is allocated, and every error names the
// file, what it holds and what was expected.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <dyadic/core/result.hpp>

#if DYADIC_EXAMPLES_ZLIB
#include <zlib.h>
#endif

/// Images of 28 x 28 bytes, 0 (background) to 255, and the class of each, 0 to 9.
struct dataset {
  static constexpr std::size_t side = 28, pixels = side * side, classes = 10;

  std::vector<std::uint8_t> images;  ///< (size(), 28 * 28), row-major
  std::vector<std::uint8_t> labels;  ///< (size())

  std::size_t size() const { return labels.size(); }
  std::span<const std::uint8_t> image(std::size_t i) const { return std::span(images).subspan(i * pixels, pixels); }
};

namespace mnist_detail {

[[noreturn]] inline void fail(const std::filesystem::path& file, const std::string& what) {
  throw dyadic::format_error(file.string() + ": " + what);
}

/// The bytes of a file from front to end; those of a .gz file after unpacking.
class source {
 public:
  explicit source(const std::filesystem::path& path) : path_(path), packed_(path.extension() == ".gz") {
    std::ifstream file(path, std::ios::binary);
    stored_.resize(std::filesystem::file_size(path));
    if (!file.read(reinterpret_cast<char*>(stored_.data()), static_cast<std::streamsize>(stored_.size()))) {
      fail(path, "cannot be read");
    }
#if DYADIC_EXAMPLES_ZLIB
    inflateInit2(&zlib_, 16 + MAX_WBITS);  // 16: a gzip header and its checksum
    zlib_.next_in = stored_.data();
    zlib_.avail_in = static_cast<uInt>(stored_.size());
#endif
  }
  source(const source&) = delete;
  source& operator=(const source&) = delete;
#if DYADIC_EXAMPLES_ZLIB
  ~source() { inflateEnd(&zlib_); }
#endif

  /// The most bytes this file can give: deflate packs at most 1032 of them into one. zlib counts in 32 bits.
  std::uintmax_t limit() const { return std::min<std::uintmax_t>(stored_.size() * (packed_ ? 1032u : 1u), UINT32_MAX); }

  /// Fills out, or as much of it as there is; returns how much.
  std::size_t read(std::span<std::uint8_t> out) {
    if (packed_) return unpack(out);
    const std::size_t count = std::min(out.size(), stored_.size() - at_);
    std::copy_n(stored_.begin() + static_cast<std::ptrdiff_t>(at_), count, out.begin());
    at_ += count;
    return count;
  }

 private:
  std::size_t unpack([[maybe_unused]] std::span<std::uint8_t> out) {
#if DYADIC_EXAMPLES_ZLIB
    zlib_.next_out = out.data();
    zlib_.avail_out = static_cast<uInt>(out.size());
    int state = Z_OK;
    while (zlib_.avail_out > 0 && state == Z_OK) state = inflate(&zlib_, Z_NO_FLUSH);
    if (state == Z_BUF_ERROR) fail(path_, "the gzip data end too early");
    if (state != Z_OK && state != Z_STREAM_END) fail(path_, "the gzip data are damaged");
    return out.size() - zlib_.avail_out;
#else
    fail(path_, "built without zlib: gunzip this file, or install zlib (zlib1g-dev) and build again");
#endif
  }

  std::filesystem::path path_;
  bool packed_;
  std::vector<std::uint8_t> stored_;
  std::size_t at_ = 0;
#if DYADIC_EXAMPLES_ZLIB
  z_stream zlib_{};
#endif
};

/// The plain file if there is one, else the gzipped one.
inline std::filesystem::path find(const std::filesystem::path& directory, const std::string& name) {
  if (!std::filesystem::is_directory(directory)) fail(directory, "no such data directory");
  for (const std::string& candidate : {name, name + ".gz"}) {
    if (std::filesystem::is_regular_file(directory / candidate)) return directory / candidate;
  }
  fail(directory, "holds neither " + name + " nor " + name + ".gz");
}

/// Reads one idx file of bytes. The header: two zero bytes, 8 (the element type: byte), the rank, then every
/// extent as a big-endian 32-bit number.
/// \param item  the extents behind the count: {28, 28} for images, {} for labels.
inline std::vector<std::uint8_t> read_idx(const std::filesystem::path& path, std::span<const std::size_t> item) {
  source file(path);
  std::vector<std::uint8_t> header(8 + 4 * item.size());
  if (const std::size_t got = file.read(header); got != header.size()) {
    fail(path, "ends after " + std::to_string(got) + " bytes, in its header of " + std::to_string(header.size()));
  }
  const auto word = [&](std::size_t i) {
    std::uint32_t value = 0;
    for (std::size_t b = 0; b < 4; ++b) value = value << 8 | header[4 * i + b];
    return value;
  };
  if (const std::size_t expected = 0x801 + item.size(); word(0) != expected) {
    fail(path, "starts with the number " + std::to_string(word(0)) + ", expected " + std::to_string(expected) +
                   " (bytes, rank " + std::to_string(1 + item.size()) + ")");
  }
  std::uintmax_t bytes = word(1);  // at most 2^32 * 28 * 28: no overflow
  for (std::size_t i = 0; i < item.size(); ++i) {
    if (word(2 + i) != item[i]) {
      fail(path, "extent " + std::to_string(i + 1) + " is " + std::to_string(word(2 + i)) + ", expected " +
                     std::to_string(item[i]));
    }
    bytes *= item[i];
  }
  if (bytes == 0) fail(path, "holds 0 items, expected at least 1");
  if (bytes > file.limit()) {
    fail(path, "announces " + std::to_string(bytes) + " bytes of data, but cannot hold more than " +
                   std::to_string(file.limit()));
  }
  std::vector<std::uint8_t> data(static_cast<std::size_t>(bytes));
  if (const std::size_t got = file.read(data); got != data.size()) {
    fail(path, "holds " + std::to_string(got) + " bytes of data, expected " + std::to_string(data.size()));
  }
  if (std::uint8_t extra = 0; file.read({&extra, 1}) != 0) {
    fail(path, "goes on after the expected " + std::to_string(data.size()) + " bytes of data");
  }
  return data;
}

}  // namespace mnist_detail

/// Loads <directory>/<part>-images-idx3-ubyte[.gz] and its labels.
/// \param part  "train" or "t10k", the names the format's home page gave to its two parts.
/// \throws dyadic::format_error naming the file, what it holds and what was expected.
inline dataset load_mnist(const std::filesystem::path& directory, const std::string& part) {
  const auto images = mnist_detail::find(directory, part + "-images-idx3-ubyte");
  const auto labels = mnist_detail::find(directory, part + "-labels-idx1-ubyte");
  constexpr std::size_t item[] = {dataset::side, dataset::side};
  dataset data{mnist_detail::read_idx(images, item), mnist_detail::read_idx(labels, {})};
  if (data.images.size() != data.labels.size() * dataset::pixels) {
    mnist_detail::fail(labels, "holds " + std::to_string(data.labels.size()) + " labels, expected " +
                                   std::to_string(data.images.size() / dataset::pixels) + ", one for each image");
  }
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data.labels[i] >= dataset::classes) {
      mnist_detail::fail(labels,
                         "label " + std::to_string(i) + " is " + std::to_string(data.labels[i]) + ", expected 0 to 9");
    }
  }
  return data;
}
