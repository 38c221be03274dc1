// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A histogram of the numbers at a site, and the range its quantizer keeps.
#pragma once

#include <dyadic/interop/report/svg.hpp>

namespace dyadic::inline DYADIC_ABI::charts {

/// Counts on a logarithmic axis, because a relu leaves most numbers in one bin, and the range a quantizer keeps.
struct histogram_chart {
  std::string title, unit;
  double low = 0, high = 1;
  std::vector<double> counts{};
  double clip_low = std::numeric_limits<double>::quiet_NaN(), clip_high = clip_low;
};

inline std::string draw(const histogram_chart& chart) {
  scale x{chart.low, chart.high, 54, drawing::width - 14};
  x.include(chart.clip_low), x.include(chart.clip_high);
  scale y = scale::empty(true);
  y.include(1);
  for (const double count : chart.counts)
    if (count >= 1) y.include(count);
  y.round_outwards();
  const double top = 44, bottom = 200;
  y.from = bottom, y.to = top;
  drawing d(bottom + 44, chart.title);

  // Ticks inside the data; the ends of the axis are the ends of the bins.
  scale inside = x;
  inside.round_outwards();
  for (const double t : inside.ticks())
    if (t >= x.low && t <= x.high) {
      d.line(x.at(t), bottom, x.at(t), bottom + 4, "axis");
      d.text(x.at(t), bottom + 17, readable(t), "middle");
    }
  d.text((x.from + x.to) / 2, bottom + 36, chart.unit, "middle", "label");
  draw_y_axis(d, y, x.from, x.to, "count", 1);

  const double width = (chart.high - chart.low) / static_cast<double>(chart.counts.size());
  for (std::size_t i = 0; i < chart.counts.size(); ++i) {
    if (!(chart.counts[i] >= 1)) continue;
    const double from = x.at(chart.low + width * static_cast<double>(i)),
                 to = x.at(chart.low + width * static_cast<double>(i + 1));
    const double height = std::fmax(bottom - y.at(chart.counts[i]), 1.5);  // a single number is seen, too
    d.rectangle(from, bottom - height, std::fmax(to - from - 0.4, 0.6), height, "bar b0");
  }
  d.line(x.from, bottom, x.to, bottom, "axis");
  for (const double clip : {chart.clip_low, chart.clip_high}) {
    if (!std::isfinite(clip)) continue;
    const bool first = clip == chart.clip_low;
    d.line(x.at(clip), top - 10, x.at(clip), bottom, "limit");
    d.text(first ? std::fmax(x.at(clip) - 2, x.from) : x.at(clip), top - 14, "clip " + readable(clip),
           first ? "start" : "end", "value");
  }
  return d.finish();
}

}  // namespace dyadic::inline DYADIC_ABI::charts
