// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One part of a product: blocks of rows, groups of panels, stretches of the depth, and in the middle the tiles.
//
//   for blocks of rows                 run_part      x that had to be copied stays in the second-level cache
//     for groups of panels             run_panels    w of a group passes once a block
//       for stretches of the depth                   w of a stretch stays there too; unpacked here when it pays
//         for tiles of rows            Product::tile sums stay in registers
//
// Sums between stretches wait in `partial`: the next stretch starts from them, so that the bits are those of one.

/// Block sizes, for a second-level cache of 1 MB or more. Half of it holds the rows of x that were copied, which every
/// group of panels meets again. A quarter holds a stretch of w, which every tile of the block meets again; hardware
/// fetches it ahead of the tiles from there, so that shorter stretches for the first level gain nothing, while each
/// costs loading and storing the sums.
struct blocking {
  static constexpr index_t stretch_bytes = 1 << 18, block_bytes = 1 << 19, most_rows = 480;
  /// Units of the depth (steps, groups) in a stretch, of equal stretches.
  static constexpr index_t stretch(index_t units, index_t unit_bytes) {
    if (units * unit_bytes <= stretch_bytes) return units;
    const index_t fit = unit_bytes < stretch_bytes ? stretch_bytes / unit_bytes : 1;
    const index_t stretches = (units + fit - 1) / fit;
    return (units + stretches - 1) / stretches;
  }
  /// Rows of a block, a multiple of 12 where there are that many. Rows that are read where they stand may come from
  /// further away: a tile needs a byte of x for every 128 operations.
  static constexpr index_t rows(index_t m, index_t row_bytes, bool in_place) {
    if (m <= most_rows && (in_place || m * row_bytes <= block_bytes)) return m;
    const index_t fit = row_bytes > 0 && !in_place ? block_bytes / row_bytes : most_rows;
    const index_t most = fit < 12 ? 12 : fit > most_rows ? most_rows : fit / 12 * 12;
    return m < most ? m : most;
  }
};

/// The most rows of a tile of so many panels, whose sums fill `registers`, each panel `a_panel` of them.
constexpr int tile_rows(int registers, int a_panel, int panels, int most) {
  const int fit = registers / (panels * a_panel);
  return fit < most ? fit : most;
}

/// Heights of tiles that are compiled, as a set of bits: every one up to `most`, or, where tiles are rare, a few.
constexpr unsigned every_height(int most) { return (2u << most) - 2; }
constexpr unsigned some_heights(int most) {
  return every_height(most) & (1u << 12 | 1u << 6 | 1u << 3 | 1u << 2 | 1u << 1 | 1u << most);
}

/// How the weights of a stretch stand.
enum class form : unsigned char { eight_bits, four_bits, unpacked };

/// Some units of the depth of some panels.
struct stretch {
  index_t first, count;
  const std::uint8_t* w;
  index_t step_stride;
  form weights;
  bool begins, ends;
};

/// What a product is computed by: the tiles of `Product` for so many rows and panels, and weights in this form.
template <class Product, int Panels, int Rows = Product::rows(Panels)>
inline auto find_kernel(index_t rows, form f) -> typename Product::kernel {
  if constexpr (Rows > 0) {
    if constexpr ((Product::heights(Panels) >> Rows & 1) != 0)
      if (rows == Rows) return Product::template kernel_of<Rows, Panels>(f);
    return find_kernel<Product, Panels, Rows - 1>(rows, f);
  } else {
    return nullptr;
  }
}

/// Elements of the largest tile.
template <class Product>
constexpr int tile_size() {
  int most = 0;
  for (int panels = 1; panels <= 4; panels *= 2)
    if (Product::rows(panels) * panels > most) most = Product::rows(panels) * panels;
  return most * panel_width;
}

/// The height of the next tile when `left` rows are left: nearly equal ones where all heights are compiled, so that
/// none is left with too few sums to keep the processor busy; otherwise the highest.
inline index_t next_height(unsigned heights, index_t most, index_t left) {
  index_t height = smaller(left, most);
  if (heights == every_height(static_cast<int>(most))) {
    const index_t tiles = (left + most - 1) / most;
    height = (left + tiles - 1) / tiles;
  }
  while ((heights >> height & 1) == 0) --height;
  return height;
}

/// `count` rows by the columns of `panels` panels.
template <class Product>
inline void run_panels(const Product& p, int panels, index_t row, index_t count, index_t panel) {
  alignas(64) std::int32_t shared[length(4 * panel_width)];
  std::int32_t* const start = p.start(panel, panels, shared) ? shared : nullptr;
  const index_t units = p.units(), each = blocking::stretch(units, p.unit_bytes(4));  // buffers are sized so
  const unsigned heights = Product::heights(panels);
  stretch s{0, 0, nullptr, 0, p.form_for(count, Product::direct(panels)), true, false};
  do {
    s.count = smaller(each, units - s.first);
    s.begins = s.first == 0;
    s.ends = s.first + s.count == units;
    p.take_weights(panel, panels, s);
    for (index_t i = 0, height = 0; i < count; i += height) {
      height = next_height(heights, Product::rows(panels), count - i);
      typename Product::kernel k = nullptr;
      if (panels == 4) k = find_kernel<Product, 4>(height, s.weights);
      if (panels == 2) k = find_kernel<Product, 2>(height, s.weights);
      if (panels == 1) k = find_kernel<Product, 1>(height, s.weights);
      p.tile(k, static_cast<int>(height), panels, row, i, panel, s, start);
    }
    s.first += s.count;
  } while (s.first < units);
}

/// How many panels a tile has. Few rows take wide tiles, even if there are several: a block of w is then read in one
/// stream of memory, which is what they wait for.
template <class Product>
inline int panels_of(const Product& p, index_t rows) {
  if constexpr (requires { p.panels_for(rows); }) return p.panels_for(rows);
  if (Product::usual_panels == 4 || rows <= Product::wide_rows) return 4;
  return rows <= Product::rows(2) ? 2 : Product::usual_panels;
}

/// Computes a part of a product and returns 0, or returns the bytes of scratch it lacks.
template <class Product>
inline index_t run_part(const gemm_call& g, const gemm_part& part) {
  carver memory(part.scratch);
  Product p(g, memory);
  if (part.scratch == nullptr || memory.bytes() > part.scratch_bytes) return memory.bytes();
  for (index_t row = part.first_row; row < part.last_row; row += p.block_rows) {
    const index_t count = smaller(p.block_rows, part.last_row - row);
    p.prepare(row, count);
    int panels = panels_of(p, count);
    for (index_t panel = part.first_panel; panel < part.last_panel; panel += panels) {
      while (panels > part.last_panel - panel || Product::rows(panels) == 0) panels /= 2;  // the last block
      run_panels(p, panels, row, count, panel);
    }
  }
  return 0;
}
