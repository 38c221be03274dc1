// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pairs of maps: what the parts of an input contribute to a decision, in float and quantized.
#pragma once

#include <dyadic/interop/report/svg.hpp>

namespace dyadic::inline DYADIC_ABI::charts {

/// Two maps of numbers beside each other and, where there is one, the image they explain.
struct map_pair {
  std::string title;
  int width = 0, height = 0;
  std::vector<double> first{}, second{};
  std::string first_name, second_name;
  int image_width = 0, image_height = 0;
  std::vector<double> image{};
};

/// Squares whose area is the size of the number: full ones for, hollow ones against.
inline void draw_map(drawing& d, const std::vector<double>& map, int width, int height, double largest, double x,
                     double y, double size) {
  const double cell = size / (width > height ? width : height);
  d.rectangle(x, y, cell * width, cell * height, "frame");
  for (int i = 0; i < width * height; ++i) {
    const double value = map[static_cast<std::size_t>(i)];
    const double side = largest > 0 ? 0.94 * cell * std::sqrt(std::fabs(value) / largest) : 0;
    if (!(side >= 0.5)) continue;
    const double middle_x = x + cell * (i % width + 0.5), middle_y = y + cell * (i / width + 0.5);
    const double inner = value < 0 && side > 1.6 ? side - 1.2 : side;  // a line of 1.2 pixels around hollow ones
    d.rectangle(middle_x - inner / 2, middle_y - inner / 2, inner, inner, value > 0 ? "for" : "against");
  }
}

/// Shades of 8 levels, one path a level: runs of equal pixels side by side.
inline void draw_image(drawing& d, const std::vector<double>& image, int width, int height, double x, double y,
                       double size) {
  const double cell = size / (width > height ? width : height);
  d.rectangle(x, y, cell * width, cell * height, "frame");
  for (int level = 1; level < 8; ++level) {
    std::string path;
    for (int row = 0; row < height; ++row)
      for (int column = 0, run = 0; column<width; column += run> 0 ? run : 1) {
        const auto shade = [&](int c) {
          return static_cast<int>(
              std::lround(7 * std::fmin(1, std::fmax(0, image[static_cast<std::size_t>(row * width + c)]))));
        };
        for (run = 0; column + run < width && shade(column + run) == level;) ++run;
        if (run == 0) continue;
        char text[80];
        std::snprintf(text, sizeof text, "M%.2f,%.2fh%.2fv%.2fh%.2fz", x + cell * column, y + cell * row, cell * run,
                      cell + 0.05, -cell * run);
        path += text;
      }
    if (!path.empty()) d.path(path, ("shade g" + std::to_string(level)).c_str());
  }
}

inline std::string draw(const map_pair& pair) {
  const bool pictured = pair.image_width > 0;
  const double gap = 8, size = pictured ? (drawing::width - 2 * gap) / 3 : (drawing::width - gap) / 2;
  double largest = 0;
  for (const auto* map : {&pair.first, &pair.second})
    for (const double v : *map)
      if (std::fabs(v) > largest) largest = std::fabs(v);
  drawing d(size + 28, pair.title);
  double x = 0;
  if (pictured) {
    d.text(x, 13, "input");
    draw_image(d, pair.image, pair.image_width, pair.image_height, x + 0.5, 20.5, size - 1);
    x += size + gap;
  }
  d.text(x, 13, pair.first_name);
  draw_map(d, pair.first, pair.width, pair.height, largest, x + 0.5, 20.5, size - 1);
  x += size + gap;
  d.text(x, 13, pair.second_name);
  draw_map(d, pair.second, pair.width, pair.height, largest, x + 0.5, 20.5, size - 1);
  return d.finish();
}

}  // namespace dyadic::inline DYADIC_ABI::charts
