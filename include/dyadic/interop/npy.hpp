// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads and writes NumPy .npy files: one array of float32, float64, int8, uint8 or int32 in C order, little-endian.
//
// A file is untrusted. Everything is checked before the data are allocated: magic, version, header length, the syntax
// of the header's dictionary, element type, order, rank, the product of the shape, and the size of the file to the
// byte. Formats 1.0 and 2.0 are read, 1.0 is written. A file is written as <path>.partial and renamed when it is
// complete: a reader never meets half of one.
//
// \see numpy.lib.format in the NumPy manual
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <dyadic/core/buffer.hpp>
#include <dyadic/core/result.hpp>
#include <dyadic/interop/npy_header.hpp>

namespace dyadic::inline DYADIC_ABI {

/// An array in C order: the last axis is contiguous.
template <class T>
struct npy_array {
  npy_shape shape;
  buffer<T> data;  ///< as many elements as the product of the shape
};

namespace detail {

static_assert(std::endian::native == std::endian::little && sizeof(float) == 4 && sizeof(double) == 8,
              "the data of a .npy file are used as they are stored");

/// The end of a path: enough to recognise the file, short enough to leave a message room for its numbers.
inline const char* npy_name(const std::string& path) noexcept {
  constexpr std::size_t longest = 96;
  return path.c_str() + (path.size() > longest ? path.size() - longest : 0);
}

/// Closes what it holds.
struct npy_file {
  std::FILE* handle;

  npy_file(const std::string& path, const char* mode) noexcept : handle(std::fopen(path.c_str(), mode)) {}
  npy_file(const npy_file&) = delete;
  npy_file& operator=(const npy_file&) = delete;
  ~npy_file() { close(); }
  bool close() noexcept {
    std::FILE* const open = std::exchange(handle, nullptr);
    return open == nullptr || std::fclose(open) == 0;
  }
};

/// Reads everything before the data, and leaves the file at the first of them.
/// \returns the shape, once the file is known to hold exactly its elements.
inline result<npy_shape> read_npy_header(std::FILE* file, const char* name, const char* type, index_t element_bytes) {
  constexpr index_t longest = 10000;  // bytes; NumPy refuses longer ones too
  std::array<char, longest> text;
  std::array<unsigned char, 12> start{};

  const index_t size = std::fseek(file, 0, SEEK_END) == 0 ? index_t{std::ftell(file)} : -1;
  std::rewind(file);
  if (size >= 0 && size < 12) {
    return failure(errc::bad_format, "npy: {} holds {} bytes, expected at least 12", name, size);
  }
  if (size < 0 || std::fread(start.data(), 1, 10, file) != 10) {
    return failure(errc::io, "npy: {} cannot be read: not a regular file", name);
  }
  if (std::memcmp(start.data(), "\x93NUMPY", 6) != 0) {
    return failure(errc::bad_format, "npy: {} does not start with the 6 bytes \\x93NUMPY", name);
  }
  if ((start[6] != 1 && start[6] != 2) || start[7] != 0) {
    return failure(errc::bad_format, "npy: {} has format {}.{}, expected 1.0 or 2.0", name, start[6], start[7]);
  }
  index_t length = start[8] | start[9] << 8;
  if (start[6] == 2) {
    if (std::fread(start.data() + 10, 1, 2, file) != 2) return failure(errc::io, "npy: {} cannot be read", name);
    length |= index_t{start[10]} << 16 | index_t{start[11]} << 24;
  }
  if (length > longest) {
    return failure(errc::bad_format, "npy: {} has a header of {} bytes, expected at most {}", name, length, longest);
  }
  const index_t before = (start[6] == 1 ? 10 : 12) + length;
  if (size < before) {
    return failure(errc::bad_format, "npy: {} holds {} bytes, expected a header of {}", name, size, before);
  }
  if (std::fread(text.data(), 1, static_cast<std::size_t>(length), file) != static_cast<std::size_t>(length)) {
    return failure(errc::io, "npy: {} cannot be read", name);
  }
  npy_header header({text.data(), static_cast<std::size_t>(length)});
  if (!header.parse()) {
    return failure(errc::bad_format,
                   "npy: {} has a malformed header at its character {} of {}, expected a dictionary of 'descr', "
                   "'fortran_order' and 'shape'",
                   name, header.at(), length);
  }
  if (std::strcmp(header.type.data(), type) != 0) {
    return failure(errc::bad_format, "npy: {} has elements of type '{}', expected '{}'", name,
                   static_cast<const char*>(header.type.data()), type);
  }
  if (header.fortran_order) {
    return failure(errc::bad_format, "npy: {} is in Fortran order, expected C order", name);
  }
  const result<index_t> elements = header.shape.elements();
  if (!elements) return failure(errc::bad_format, "npy: {}: {}", name, elements.error().message());
  index_t expected = 0;
  if (__builtin_mul_overflow(*elements, element_bytes, &expected) ||
      __builtin_add_overflow(expected, before, &expected)) {
    return failure(errc::bad_format, "npy: {}: {} elements of {} bytes exceed {} bytes", name, *elements, element_bytes,
                   PTRDIFF_MAX);
  }
  if (size != expected) {
    return failure(errc::bad_format, "npy: {} holds {} bytes, expected {} ({} before the data and {} elements of {})",
                   name, size, expected, before, *elements, element_bytes);
  }
  return header.shape;
}

/// \param expected  the only shape to accept, or null for any.
template <class T>
result<npy_array<T>> load_npy(const std::string& path, const npy_shape* expected) {
  const char* const name = npy_name(path);
  npy_file file(path, "rb");
  if (file.handle == nullptr) return failure(errc::io, "npy: {} cannot be opened for reading", name);
  const result<npy_shape> shape = read_npy_header(file.handle, name, npy_type<T>, static_cast<index_t>(sizeof(T)));
  if (!shape) return shape.error();
  if (expected != nullptr && !(*shape == *expected)) {
    return failure(errc::bad_format, "npy: {} has shape {}, expected {}", name, npy_text(*shape).c_str(),
                   npy_text(*expected).c_str());
  }
  result<buffer<T>> data = buffer<T>::make(*(*shape).elements());
  if (!data) return data.error();
  const std::size_t count = static_cast<std::size_t>((*data).size());
  if (count > 0 && std::fread((*data).data(), sizeof(T), count, file.handle) != count) {
    return failure(errc::io, "npy: {} cannot be read", name);
  }
  return npy_array<T>{*shape, std::move(*data)};
}

}  // namespace detail

/// Reads a whole .npy file of elements T.
/// \returns  shape and data; or errc::io if the file cannot be opened or read, errc::bad_format if it is no .npy file
///           of T in C order with at most 8 axes, or shorter or longer than its header says, errc::out_of_memory.
template <detail::npy_element T>
result<npy_array<T>> try_read_npy(const std::string& path) {
  return detail::load_npy<T>(path, nullptr);
}

/// The same, and an array of another shape is errc::bad_format.
template <detail::npy_element T>
result<npy_array<T>> try_read_npy(const std::string& path, const npy_shape& expected) {
  return detail::load_npy<T>(path, &expected);
}

/// Writes data, in C order, as a .npy file of format 1.0; what was at path before is replaced, in one step.
/// \returns  errc::invalid_shape if the shape has more than 8 axes, a negative extent or another number of elements
///           than data, errc::overflow if its product does not fit, errc::io if the file cannot be written, and path is
///           then as it was.
template <detail::npy_element T>
result<void> try_write_npy(const std::string& path, std::type_identity_t<std::span<const T>> data,
                           const npy_shape& shape) {
  const char* const name = detail::npy_name(path);
  const result<index_t> elements = shape.elements();
  if (!elements) return failure(elements.error().code(), "npy: {}: {}", name, elements.error().message());
  if (static_cast<std::size_t>(*elements) != data.size()) {
    return failure(errc::invalid_shape, "npy: {}: shape {} has {} elements, the data have {}", name,
                   detail::npy_text(shape).c_str(), *elements, data.size());
  }
  const std::string partial = path + ".partial";
  const std::string header = detail::make_npy_header(shape, detail::npy_type<T>);
  detail::npy_file file(partial, "wb");
  if (file.handle == nullptr) return failure(errc::io, "npy: {} cannot be opened for writing", name);
  const bool written = std::fwrite(header.data(), 1, header.size(), file.handle) == header.size() &&
                       (data.empty() || std::fwrite(data.data(), sizeof(T), data.size(), file.handle) == data.size());
  if (!file.close() || !written || std::rename(partial.c_str(), path.c_str()) != 0) {
    std::remove(partial.c_str());
    return failure(errc::io, "npy: {} cannot be written ({} elements of {} bytes)", name, data.size(), sizeof(T));
  }
  return {};
}

#if DYADIC_EXCEPTIONS
/// try_read_npy that throws format_error (or std::bad_alloc).
template <detail::npy_element T>
npy_array<T> read_npy(const std::string& path) {
  return try_read_npy<T>(path).value();
}
template <detail::npy_element T>
npy_array<T> read_npy(const std::string& path, const npy_shape& expected) {
  return try_read_npy<T>(path, expected).value();
}

/// try_write_npy that throws std::invalid_argument or std::length_error (shape), format_error (file).
template <detail::npy_element T>
void write_npy(const std::string& path, std::type_identity_t<std::span<const T>> data, const npy_shape& shape) {
  try_write_npy<T>(path, data, shape).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
