// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calibration tables of other tools, as text: TensorRT's calibration cache and ONNX Runtime's calibration.cache.
//
//   TRT-8601-EntropyCalibration2            conv1 2.5
//   input: 3c010a14                         input 1.0
//   conv1: 3ca14285
//
// TensorRT: a line with version and algorithm, then a name, a colon and the scale amax / 127 as the eight hexadecimal
// digits of its float32. ONNX Runtime (write_calibration_table in python/tools/quantization/quant_utils.py): a name, a
// space and max(|lo|, |hi|) as Python prints it, sorted by name. Names may hold spaces and colons: the last one counts.
//
// A text is untrusted, and so is what is to be written: a scale that is zero, negative, infinite or NaN, a name twice,
// and a line that is no entry are refused with the number of the line or the name.
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dyadic/scheme/choose.hpp>

namespace dyadic::inline DYADIC_ABI {

struct calibration_entry {
  std::string name;
  float value = 0.0f;  ///< TensorRT: the scale, > 0. ONNX Runtime: the largest magnitude, >= 0. Both finite
  friend bool operator==(const calibration_entry&, const calibration_entry&) = default;
};

struct tensorrt_cache {
  int version = 8601;  ///< as TensorRT writes it: 8601 is 8.6.1
  std::string algorithm = "EntropyCalibration2";
  std::vector<calibration_entry> scales;
  friend bool operator==(const tensorrt_cache&, const tensorrt_cache&) = default;
};

/// What TensorRT writes for a range: max(|lo|, |hi|) / 127.
inline float tensorrt_scale(const range& r) noexcept {
  const default_float_environment environment;
  const float lo = detail::opaque(r.lo), hi = detail::opaque(r.hi);
  return detail::opaque((-lo > hi ? -lo : hi) / 127.0f);
}

namespace detail {

/// The head of a name, for messages.
inline std::string shown(std::string_view name) {
  return std::string(name.substr(0, 60)) + (name.size() > 60 ? "..." : "");
}

/// Names must be found again: not empty, of one line, and each one once.
inline result<void> check_names(const char* what, std::span<const calibration_entry> all) {
  std::vector<std::string_view> names;
  for (const calibration_entry& e : all) {
    for (const char c : e.name)
      if (static_cast<unsigned char>(c) < 0x20)
        return failure(errc::bad_format, "{}: the name '{}' holds a control character", what, shown(e.name).c_str());
    if (e.name.empty() || e.name.front() == ' ' || e.name.back() == ' ')
      return failure(errc::bad_format, "{}: the name '{}' is empty or has a space at an end", what,
                     shown(e.name).c_str());
    names.push_back(e.name);
  }
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    return failure(errc::bad_format, "{}: two entries for '{}', expected one", what, shown(*twice).c_str());
  return {};
}

inline result<void> check_value(const char* what, const calibration_entry& e, bool zero_allowed) {
  const default_float_environment environment;  // a subnormal is not 0
  if (!(e.value <= (std::numeric_limits<float>::max)() && (zero_allowed ? e.value >= 0.0f : e.value > 0.0f)))
    return failure(errc::bad_format, "{}: '{}' has {}, expected a finite number {} 0", what, shown(e.name).c_str(),
                   static_cast<double>(e.value), zero_allowed ? ">=" : ">");
  return {};
}

/// The next line, which must end in a line feed; a carriage return before it belongs to the end.
inline bool next_line(std::string_view& text, std::string_view& line) {
  const std::size_t size = text.find('\n');
  if (size == std::string_view::npos) return false;
  line = text.substr(0, size);
  if (line.ends_with('\r')) line.remove_suffix(1);
  text.remove_prefix(size + 1);
  return true;
}

inline bool is_word(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

/// repr(float(x)): the shortest digits that read back as this double, in the notation Python chooses.
inline std::string python_number(double x) {
  char text[64];
  const bool plain = x == 0.0 || (x >= 1e-4 && x < 1e16);
  const char* const end =
      std::to_chars(text, text + sizeof text, x, plain ? std::chars_format::fixed : std::chars_format::scientific).ptr;
  std::string s(text, static_cast<std::size_t>(end - text));
  if (plain && s.find('.') == std::string::npos) s += ".0";
  return s;
}

}  // namespace detail

/// The text of a TensorRT calibration cache.
/// \returns errc::bad_format for a scale that is not finite and > 0, and for names that are not unique or not of one
///          line.
inline result<std::string> try_write_tensorrt_cache(const tensorrt_cache& cache) {
  constexpr const char* what = "tensorrt cache";
  if (cache.version < 0 || !detail::is_word(cache.algorithm))
    return failure(errc::bad_format, "{}: version {} of '{}', expected a number >= 0 and a word", what, cache.version,
                   detail::shown(cache.algorithm).c_str());
  if (const auto ok = detail::check_names(what, cache.scales); !ok) return ok.error();
  std::string text = "TRT-" + std::to_string(cache.version) + '-' + cache.algorithm + '\n';
  for (const calibration_entry& e : cache.scales) {
    if (const auto ok = detail::check_value(what, e, false); !ok) return ok.error();
    text += e.name + ": ";
    for (int d = 7; d >= 0; --d) text += "0123456789abcdef"[std::bit_cast<std::uint32_t>(e.value) >> (4 * d) & 0xF];
    text += '\n';
  }
  return text;
}

/// Reads what TensorRT wrote.
/// \returns errc::bad_format, with the line, for anything else.
inline result<tensorrt_cache> try_read_tensorrt_cache(std::string_view text) {
  constexpr const char* what = "tensorrt cache";
  tensorrt_cache cache;
  std::string_view line;
  const bool complete = detail::next_line(text, line);
  const std::size_t dash = line.size() > 4 ? line.find('-', 4) : std::string_view::npos;
  const bool head = complete && line.starts_with("TRT-") && dash != std::string_view::npos;
  const std::string_view digits = head ? line.substr(4, dash - 4) : std::string_view();
  const auto number = std::from_chars(digits.data(), digits.data() + digits.size(), cache.version);
  if (!head || number.ec != std::errc{} || number.ptr != digits.data() + digits.size() || cache.version < 0 ||
      !detail::is_word(line.substr(dash + 1)))
    return failure(errc::bad_format, "{}: line 1 is '{}', expected TRT-<version>-<algorithm> and a line feed", what,
                   detail::shown(complete ? line : text).c_str());
  cache.algorithm = line.substr(dash + 1);
  for (index_t at = 2; !text.empty(); ++at) {
    const bool ended = detail::next_line(text, line);
    const std::size_t colon = ended ? line.rfind(": ") : std::string_view::npos;
    const std::string_view hex = colon != std::string_view::npos ? line.substr(colon + 2) : std::string_view();
    std::uint32_t bits = 0;
    const auto read = std::from_chars(hex.data(), hex.data() + hex.size(), bits, 16);
    if (hex.size() != 8 || read.ec != std::errc{} || read.ptr != hex.data() + 8)
      return failure(errc::bad_format,
                     "{}: line {} is '{}', expected <name>: <eight hexadecimal digits> and a line feed", what, at,
                     detail::shown(ended ? line : text).c_str());
    cache.scales.push_back({std::string(line.substr(0, colon)), std::bit_cast<float>(bits)});
    if (const auto ok = detail::check_value(what, cache.scales.back(), false); !ok) return ok.error();
  }
  if (const auto ok = detail::check_names(what, cache.scales); !ok) return ok.error();
  return cache;
}

/// The text of ONNX Runtime's calibration.cache, sorted by name.
/// \returns errc::bad_format for a value that is not finite and >= 0, and for names that are not unique or not of one
///          line.
inline result<std::string> try_write_onnxruntime_cache(std::span<const calibration_entry> all) {
  constexpr const char* what = "onnxruntime cache";
  if (const auto ok = detail::check_names(what, all); !ok) return ok.error();
  std::vector<const calibration_entry*> sorted;
  for (const calibration_entry& e : all) {
    if (const auto ok = detail::check_value(what, e, true); !ok) return ok.error();
    sorted.push_back(&e);
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  std::string text;
  for (const calibration_entry* e : sorted)
    text += e->name + ' ' + detail::python_number(static_cast<double>(e->value)) + '\n';
  return text;
}

/// Reads what ONNX Runtime wrote; a number that is no float is rounded to one.
/// \returns errc::bad_format, with the line, for anything else.
inline result<std::vector<calibration_entry>> try_read_onnxruntime_cache(std::string_view text) {
  constexpr const char* what = "onnxruntime cache";
  std::vector<calibration_entry> all;
  std::string_view line;
  for (index_t at = 1; !text.empty(); ++at) {
    const bool ended = detail::next_line(text, line);
    const std::size_t space = ended ? line.rfind(' ') : std::string_view::npos;
    const std::string_view number = space != std::string_view::npos ? line.substr(space + 1) : std::string_view();
    double value = 0.0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
    if (number.empty() || read.ec != std::errc{} || read.ptr != number.data() + number.size())
      return failure(errc::bad_format, "{}: line {} is '{}', expected <name> <number> and a line feed", what, at,
                     detail::shown(ended ? line : text).c_str());
    // Beyond the floats the cast would be undefined; the check below names the value.
    constexpr double most = static_cast<double>((std::numeric_limits<float>::max)());
    const default_float_environment environment;
    const double near = value < -most ? -most : value;
    all.push_back({std::string(line.substr(0, space)),
                   near > most ? std::numeric_limits<float>::infinity() : detail::opaque(static_cast<float>(near))});
    if (const auto ok = detail::check_value(what, all.back(), true); !ok) return ok.error();
  }
  if (const auto ok = detail::check_names(what, all); !ok) return ok.error();
  return all;
}

#if DYADIC_EXCEPTIONS
/// \throws format_error where the try_ functions refuse.
inline std::string write_tensorrt_cache(const tensorrt_cache& cache) { return try_write_tensorrt_cache(cache).value(); }
inline tensorrt_cache read_tensorrt_cache(std::string_view text) { return try_read_tensorrt_cache(text).value(); }
inline std::string write_onnxruntime_cache(std::span<const calibration_entry> all) {
  return try_write_onnxruntime_cache(all).value();
}
inline std::vector<calibration_entry> read_onnxruntime_cache(std::string_view text) {
  return try_read_onnxruntime_cache(text).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
