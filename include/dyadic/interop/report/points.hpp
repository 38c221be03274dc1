// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Points and lines over two axes: accuracy against size, a measured error against its bound, accuracy under attack.
#pragma once

#include <dyadic/interop/report/svg.hpp>

namespace dyadic::inline DYADIC_ABI::charts {

struct point {
  double x = 0, y = 0;
  double low = std::numeric_limits<double>::quiet_NaN(), high = low;  ///< interval of y
};
struct point_series {
  std::string name;
  std::vector<point> points{};
  bool joined = false;  ///< by lines, in order
};
struct point_chart {
  std::string title, x_unit, y_unit;
  bool x_logarithmic = false, y_logarithmic = false;
  double x_factor = 1, y_factor = 1;  ///< of the numbers, when they are written
  bool diagonal = false;              ///< x = y, with what lies on its sides
  std::string above{}, below{};
  bool x_from_zero = false;
  std::vector<point_series> series{};
};

inline std::string draw(const point_chart& chart) {
  scale x = scale::empty(chart.x_logarithmic), y = scale::empty(chart.y_logarithmic);
  if (chart.x_from_zero) x.include(0);
  for (const point_series& s : chart.series)
    for (const point& p : s.points) {
      x.include(p.x), y.include(p.y), y.include(p.low), y.include(p.high);
      if (chart.diagonal) y.include(p.x);
    }
  x.round_outwards(), y.round_outwards();
  const double left = 54, right = drawing::width - 14, top = 30, bottom = 270;
  x.from = left, x.to = right, y.from = bottom, y.to = top;

  const bool key = chart.series.size() > 1;
  drawing d(bottom + 46 + (key ? 19.0 * static_cast<double>(chart.series.size()) : 0), chart.title);
  draw_x_axis(d, x, top, bottom, chart.x_unit, chart.x_factor);
  draw_y_axis(d, y, left, right, chart.y_unit, chart.y_factor);
  if (chart.diagonal) {
    const double from = std::fmax(x.low, y.low), to = std::fmin(x.high, y.high);
    d.line(x.at(from), y.at(from), x.at(to), y.at(to), "limit");
    d.text(left + 8, top + 16, chart.above, "start", "label");
    d.text(right - 8, bottom - 10, chart.below, "end", "label");
  }
  const auto drawn = [&](const point& p) {
    return std::isfinite(p.x) && std::isfinite(p.y) && (!x.logarithmic || p.x > 0) && (!y.logarithmic || p.y > 0);
  };
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    const point_series& s = chart.series[i];
    const int look = static_cast<int>(i);
    std::string line;
    for (const point& p : s.points) {
      if (!drawn(p)) continue;
      char at[48];
      std::snprintf(at, sizeof at, "%c%.1f,%.1f", line.empty() ? 'M' : 'L', x.at(p.x), y.at(p.y));
      line += at;
      if (std::isfinite(p.low) && std::isfinite(p.high))
        d.line(x.at(p.x), y.at(p.low), x.at(p.x), y.at(p.high), "whisker");
    }
    if (s.joined && !line.empty()) d.path(line, ("curve s" + std::to_string(look % 6)).c_str());
    for (const point& p : s.points)
      if (drawn(p)) d.marker(look, x.at(p.x), y.at(p.y));
    if (key) {
      const double at = bottom + 58 + 19.0 * static_cast<double>(i);
      d.marker(look, left + 4, at - 4);
      d.text(left + 16, at, s.name);
    }
  }
  return d.finish();
}

}  // namespace dyadic::inline DYADIC_ABI::charts
