// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// svg: drawings as text. Shapes, words, and axes, in a width that a telephone shows without shrinking the letters.
//
// Colours are classes of the page's style sheet, so that one drawing serves light and dark; every series has a pattern
// or a shape besides, so that none is told by its colour alone. All text is escaped.
#pragma once

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI::charts {

/// Text as HTML and SVG want it, in content and in quoted attributes.
inline std::string escaped(std::string_view text) {
  std::string made;
  for (const char c : text) {
    switch (c) {
      case '&': made += "&amp;"; break;
      case '<': made += "&lt;"; break;
      case '>': made += "&gt;"; break;
      case '"': made += "&quot;"; break;
      case '\'': made += "&#39;"; break;
      default:
        // Control characters may not stand in a page at all; bytes above 127 are parts of UTF-8 letters.
        made += static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return made;
}

/// 10 to a power, with raised digits.
inline std::string power_of_ten(int exponent) {
  constexpr const char* digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string made = exponent < 0 ? "10⁻" : "10";
  for (const char c : std::to_string(exponent < 0 ? -exponent : exponent)) made += digits[c - '0'];
  return made;
}

/// A number for a reader: `digits` significant ones, without trailing zeros; a dash for NaN.
inline std::string readable(double x, int digits = 3) {
  if (std::isnan(x)) return "–";
  const std::string sign = std::signbit(x) && x != 0 ? "−" : "";
  const double size = std::fabs(x);
  if (std::isinf(x)) return sign + "∞";
  if (size != 0 && (size < 1e-3 || size >= 1e7)) {
    const int exponent = static_cast<int>(std::floor(std::log10(size)));
    char text[40];
    std::snprintf(text, sizeof text, "%.1f·", size / std::pow(10, exponent));
    return sign + text + power_of_ten(exponent);
  }
  char text[40];
  const int decimals = digits - 1 - (size == 0 ? 0 : static_cast<int>(std::floor(std::log10(size))));
  std::snprintf(text, sizeof text, "%.*f", decimals < 0 || size == 0 ? 0 : decimals, size);
  std::string made = text;
  if (made.find('.') != std::string::npos) {
    while (made.back() == '0') made.pop_back();
    if (made.back() == '.') made.pop_back();
  }
  return sign + made;
}

/// A count, its digits in groups of three.
inline std::string counted(std::int64_t n) {
  const std::string digits = std::to_string(n);
  std::string made;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > (n < 0 ? 1U : 0U) && (digits.size() - i) % 3 == 0) made += ',';
    made += digits[i];
  }
  return made;
}

/// A share in percent.
inline std::string percent(double x, int digits = 3) { return std::isnan(x) ? "–" : readable(100 * x, digits) + " %"; }

/// The letters of a UTF-8 text.
inline int letters(std::string_view text) noexcept {
  int n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

/// At most `most` letters, the last of them an ellipsis when some are left out.
inline std::string shortened(std::string_view text, int most) {
  if (letters(text) <= most) return std::string(text);
  std::size_t end = 0;
  for (int n = 0; n < most - 1; ++n) do
      ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
  return std::string(text.substr(0, end)) + "…";
}

/// About as wide as the page's font draws a text of 13 pixels.
inline double width_of(std::string_view text) noexcept { return 7.4 * letters(text); }

class drawing {
 public:
  static constexpr double width = 380;

  drawing(double height, std::string_view title) : height_(height), title_(title) {}

  void line(double x1, double y1, double x2, double y2, const char* kind) {
    add("<line", {{"x1", x1}, {"y1", y1}, {"x2", x2}, {"y2", y2}}, kind);
  }
  void rectangle(double x, double y, double w, double h, const char* kind) {
    add("<rect", {{"x", x}, {"y", y}, {"width", w < 0 ? 0 : w}, {"height", h < 0 ? 0 : h}}, kind);
  }
  /// path: SVG's, made of numbers.
  void path(const std::string& path, const char* kind) {
    body_ += "<path d=\"" + path + "\" class=\"" + kind + "\"/>\n";
  }
  /// anchor: start, middle or end.
  void text(double x, double y, std::string_view words, const char* anchor = "start", const char* kind = "") {
    add("<text", {{"x", x}, {"y", y}}, kind, false);
    body_ += " text-anchor=\"" + std::string(anchor) + "\">" + escaped(words) + "</text>\n";
  }
  /// The shape of a series, around (x, y): six shapes, then the same ones full instead of hollow.
  void marker(int series, double x, double y) {
    constexpr const char* shapes[] = {
        "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0z", "M-4,-4h8v8h-8z",       "M0,-5.5l5.2,9.2h-10.4z",
        "M0,-5.8l5.8,5.8l-5.8,5.8l-5.8,-5.8z",           "M-4,-4l8,8M4,-4l-8,8", "M-5.5,0h11M0,-5.5v11"};
    char text[64];
    std::snprintf(text, sizeof text, "<path transform=\"translate(%.1f,%.1f)\" d=\"", x, y);
    const bool full = series % 12 == 0 || series % 12 > 6;
    body_ += text + std::string(shapes[series % 6]) + "\" class=\"mark s" + std::to_string(series % 6) +
             (full ? " full" : "") + "\"/>\n";
  }

  std::string finish() const {
    char size[96];
    std::snprintf(size, sizeof size, "<svg viewBox=\"0 0 %g %g\" role=\"img\">\n<title>", width, std::ceil(height_));
    return size + escaped(title_) + "</title>\n" + body_ + "</svg>\n";
  }

 private:
  struct attribute {
    const char* name;
    double value;
  };
  template <std::size_t N>
  void add(const char* tag, const attribute (&attributes)[N], const char* kind, bool close = true) {
    body_ += tag;
    for (const attribute& a : attributes) {
      char text[48];
      std::snprintf(text, sizeof text, " %s=\"%.1f\"", a.name, a.value);
      body_ += text;
    }
    if (*kind != 0) body_ += " class=\"" + std::string(kind) + "\"";
    if (close) body_ += "/>\n";
  }

  double height_;
  std::string title_, body_;
};

/// Where numbers stand along an axis.
struct scale {
  double low = 0, high = 1;  ///< numbers
  double from = 0, to = 1;   ///< pixels
  bool logarithmic = false;  ///< low > 0

  double at(double x) const noexcept {
    const double before = logarithmic ? std::log(x) - std::log(low) : x - low,
                 all = logarithmic ? std::log(high) - std::log(low) : high - low;
    return from + (to - from) * (all > 0 ? before / all : 0.5);
  }

  /// Makes room for x; an empty scale begins with it.
  void include(double x) noexcept {
    if (!std::isfinite(x) || (logarithmic && x <= 0)) return;
    low = !(low <= x) ? x : low;
    high = !(high >= x) ? x : high;
  }
  static scale empty(bool logarithmic) noexcept {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    return {nan, nan, 0, 1, logarithmic};
  }
  /// Whole steps (or decades) around what was included, and numbers in any case.
  void round_outwards() noexcept {
    if (!(low <= high)) low = logarithmic ? 0.1 : 0, high = 1;
    if (logarithmic) {
      low = std::pow(10, std::floor(std::log10(low) + 1e-9)), high = std::pow(10, std::ceil(std::log10(high) - 1e-9));
      if (low == high) low /= 10;
      return;
    }
    if (low == high) low -= low == 0 ? 0 : std::fabs(low) * 0.05, high += high == 0 ? 1 : std::fabs(high) * 0.05;
    const double s = step();
    low = s * std::floor(low / s + 1e-9), high = s * std::ceil(high / s - 1e-9);
  }
  /// 1, 2 or 5 times a power of ten, about five of them.
  double step() const noexcept {
    const double rough = (high - low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
    return power * (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10);
  }
  std::vector<double> ticks() const {
    std::vector<double> all;
    if (logarithmic) {
      const int first = static_cast<int>(std::lround(std::log10(low))),
                last = static_cast<int>(std::lround(std::log10(high)));
      for (int i = first; i <= last; i += last - first < 6 ? 1 : (last - first + 5) / 6) {
        all.push_back(std::pow(10, i));
        if (last - first == 1 && i == first)
          for (const double part : {2.0, 5.0}) all.push_back(part * std::pow(10, i));
      }
      return all;
    }
    const double s = step();
    const double steps = std::fmin(20, std::round((high - low) / s));
    for (int i = 0; i <= steps; ++i) all.push_back(std::fabs(low + i * s) < s / 1e6 ? 0 : low + i * s);
    return all;
  }
};

/// What stands at a tick.
inline std::string tick_text(const scale& axis, double at, double factor) {
  if (!axis.logarithmic || (at * factor > 5e-4 && at * factor < 2e3) || axis.high < 20 * axis.low)
    return readable(at * factor);
  return power_of_ten(static_cast<int>(std::lround(std::log10(at * factor))));
}

/// Ticks and a label below. Where the words of all ticks have no room, every second or third has them, and 0 always.
inline void draw_x_axis(drawing& d, const scale& x, double top, double bottom, std::string_view label,
                        double factor = 1) {
  const std::vector<double> ticks = x.ticks();
  double widest = 0;
  std::size_t zero = 0;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    widest = std::fmax(widest, width_of(tick_text(x, ticks[i], factor)));
    if (ticks[i] == 0) zero = i;
  }
  const double room = (x.to - x.from) / static_cast<double>(ticks.size() > 1 ? ticks.size() - 1 : 1);
  const auto every = static_cast<std::size_t>(std::ceil((widest + 6) / room));
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    d.line(x.at(ticks[i]), top, x.at(ticks[i]), bottom, "grid");
    if (i % every == zero % every) d.text(x.at(ticks[i]), bottom + 17, tick_text(x, ticks[i], factor), "middle");
  }
  d.line(x.from, bottom, x.to, bottom, "axis");
  d.text((x.from + x.to) / 2, bottom + 36, label, "middle", "label");
}

/// Ticks at the left, and a label above them: letters that stand upright are easier to read.
inline void draw_y_axis(drawing& d, const scale& y, double left, double right, std::string_view label,
                        double factor = 1) {
  for (const double t : y.ticks()) {
    d.line(left, y.at(t), right, y.at(t), "grid");
    d.text(left - 6, y.at(t) + 4, tick_text(y, t, factor), "end");
  }
  d.line(left, y.from, left, y.to, "axis");
  d.text(2, y.to - 10, label, "start", "label");
}

}  // namespace dyadic::inline DYADIC_ABI::charts
