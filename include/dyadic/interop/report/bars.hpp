// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bars, one or two a row, with intervals and numbers: signal to noise, shares of an error, what changed for a class.
#pragma once

#include <dyadic/interop/report/svg.hpp>

namespace dyadic::inline DYADIC_ABI::charts {

/// A row of a bar chart: up to two bars, each with an interval or without.
struct bar_row {
  struct bar {
    double value = std::numeric_limits<double>::quiet_NaN();
    double low = std::numeric_limits<double>::quiet_NaN(), high = low;
  };
  std::string name;
  std::vector<bar> bars;
  std::string said;  ///< at the end of the row, instead of the values
};

struct bar_chart {
  std::string title, unit;
  std::vector<std::string> series{};  ///< names; none for a single one
  double factor = 1;                  ///< of the numbers, when they are written
  std::vector<bar_row> rows{};
};

/// The names of the series with their patterns, in one line.
inline void draw_key(drawing& d, const std::vector<std::string>& names, double y) {
  double x = 2;
  for (std::size_t i = 0; i < names.size(); ++i) {
    d.rectangle(x, y - 9, 14, 11, i == 0 ? "bar b0" : "bar b1");
    d.text(x + 19, y, names[i]);
    x += 19 + width_of(names[i]) + 18;
  }
}

inline std::string draw(const bar_chart& chart) {
  scale x = scale::empty(false);
  x.include(0);
  std::size_t most = 1;
  double names = 40, values = 40;
  for (const bar_row& r : chart.rows) {
    names = std::fmax(names, width_of(shortened(r.name, 16)));
    if (r.bars.size() > most) most = r.bars.size();
    values = std::fmax(values, width_of(r.said));
    for (const auto& b : r.bars) {
      x.include(b.value), x.include(b.low), x.include(b.high);
      if (r.said.empty()) values = std::fmax(values, width_of(readable(b.value * chart.factor)));
    }
  }
  x.round_outwards();
  const double thick = most == 1 ? 15 : 13, a_row = thick * static_cast<double>(most) + 10;
  const double top = chart.series.empty() ? 4 : 28;
  const double bottom = top + a_row * static_cast<double>(chart.rows.size()) + 2;
  x.from = names + 12, x.to = drawing::width - values - 16;

  drawing d(bottom + 44, chart.title);
  draw_key(d, chart.series, 12);
  draw_x_axis(d, x, top, bottom, chart.unit, chart.factor);
  double y = top + 5;
  for (const bar_row& r : chart.rows) {
    const double height = thick * static_cast<double>(r.bars.size());
    d.text(names + 4, y + height / 2 + 4, shortened(r.name, 16), "end");
    for (std::size_t i = 0; i < r.bars.size(); ++i, y += thick) {
      const auto& b = r.bars[i];
      const double middle = y + thick / 2;
      if (std::isfinite(b.value)) {
        const double end = x.at(b.value), zero = x.at(0);
        d.rectangle(std::fmin(zero, end), y + 1, std::fabs(end - zero), thick - 2, i == 0 ? "bar b0" : "bar b1");
      }
      if (std::isfinite(b.low) && std::isfinite(b.high)) {
        d.line(x.at(b.low), middle, x.at(b.high), middle, "whisker");
        for (const double end : {b.low, b.high}) d.line(x.at(end), middle - 4, x.at(end), middle + 4, "whisker");
      }
      if (r.said.empty())
        d.text(drawing::width - 2, middle + 4, readable(b.value * chart.factor), "end", "value");
      else if (i == 0)
        d.text(drawing::width - 2, y + height / 2 + 4, r.said, "end", "value");
    }
    y += a_row - height;
  }
  d.line(x.at(0), top, x.at(0), bottom, "axis");
  return d.finish();
}

}  // namespace dyadic::inline DYADIC_ABI::charts
