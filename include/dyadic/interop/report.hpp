// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The component `report`: what was found out about a quantized network, written as versioned JSON and as one HTML page.
//
//   dyadic::report r;  r.title = "...";  r.forms.push_back({...});
//   dyadic::write_report(r, "audit.html", "audit.json");
#pragma once

#include <cstdio>

#include <dyadic/core/result.hpp>
#include <dyadic/interop/report/html.hpp>
#include <dyadic/interop/report/json.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// Writes beside the target and renames: a reader never meets half a file.
inline result<void> write_whole_file(const std::string& path, const std::string& text) {
  const std::string partial = path + ".partial";
  std::FILE* const file = std::fopen(partial.c_str(), "wb");
  const char* const name = path.c_str() + (path.size() > 96 ? path.size() - 96 : 0);
  if (file == nullptr) return failure(errc::io, "report: {} cannot be opened for writing", name);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written || std::rename(partial.c_str(), path.c_str()) != 0) {
    std::remove(partial.c_str());
    return failure(errc::io, "report: {} cannot be written ({} bytes)", name, text.size());
  }
  return {};
}

/// Lists that must be as long as others say.
inline result<void> check_report(const report& r) {
  for (const report::saliency& s : r.saliencies) {
    const index_t cells = index_t{s.width} * s.height, image = index_t{s.image_width} * s.image_height;
    if (s.width < 1 || s.height < 1 || static_cast<index_t>(s.reference.size()) != cells ||
        static_cast<index_t>(s.quantized.size()) != cells)
      return failure(errc::invalid_shape, "report: saliency '{}' has {} and {} numbers for {} x {}", s.name.c_str(),
                     s.reference.size(), s.quantized.size(), s.height, s.width);
    if (s.image_width < 0 || s.image_height < 0 || static_cast<index_t>(s.image.size()) != image)
      return failure(errc::invalid_shape, "report: saliency '{}' has {} pixels for {} x {}", s.name.c_str(),
                     s.image.size(), s.image_height, s.image_width);
  }
  for (const report::histogram& h : r.histograms)
    if (h.counts.empty() || !(h.low < h.high) || !(h.high - h.low <= std::numeric_limits<double>::max()))
      return failure(errc::invalid_range, "report: histogram '{}' of {} bins over [{}, {}]", h.name.c_str(),
                     h.counts.size(), h.low, h.high);
  for (const report::robustness_result& one : r.robustness)
    for (const report::curve& c : one.curves)
      if (c.accuracy.size() != c.strength.size())
        return failure(errc::invalid_shape, "report: curve '{}' has {} accuracies for {} strengths", c.name.c_str(),
                       c.accuracy.size(), c.strength.size());
  return {};
}

}  // namespace detail

/// Writes both files; an empty path leaves one out. What was there is replaced, in one step each.
/// \returns errc::invalid_shape or invalid_range for lists that do not fit together, before anything is written;
///          errc::io, naming the file.
inline result<void> try_write_report(const report& r, const std::string& html_path, const std::string& json_path) {
  if (const auto ok = detail::check_report(r); !ok) return ok;
  if (!html_path.empty())
    if (const auto ok = detail::write_whole_file(html_path, html_of(r)); !ok) return ok;
  if (!json_path.empty())
    if (const auto ok = detail::write_whole_file(json_path, json_of(r)); !ok) return ok;
  return {};
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument (lists), format_error (files).
inline void write_report(const report& r, const std::string& html_path, const std::string& json_path) {
  try_write_report(r, html_path, json_path).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
