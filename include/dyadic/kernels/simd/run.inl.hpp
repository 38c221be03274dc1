// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One part of a product, of any kind.

/// Computes a part of a product and returns 0, or returns the bytes of scratch it lacks.
template <class Product>
inline index_t run_part(const gemm_call& g, const gemm_part& part) {
  carver memory(part.scratch);
  Product p(g, memory);
  if (part.scratch == nullptr || memory.bytes() > part.scratch_bytes) return memory.bytes();
  for (index_t row = part.first_row; row < part.last_row; row += p.block_rows) {
    const index_t count = smaller(p.block_rows, part.last_row - row);
    p.prepare(row, count);
    index_t panel = part.first_panel;
    const int panels = tile_panels<Product>(count);
    if constexpr (requires { Product::single_panels; }) {
      if constexpr (Product::single_panels == 8)
        if (count == 1)  // two whole blocks at once
          for (; part.last_panel - panel >= 8; panel += 8) run_single<8>(p, row, panel);
    }
    if constexpr (Product::rows(4) > 0)
      if (panels == 4)
        for (; part.last_panel - panel >= 4; panel += 4) run_panels<4>(p, row, count, panel);
    if constexpr (Product::rows(2) > 0)
      if (panels >= 2)
        for (; part.last_panel - panel >= 2; panel += 2) run_panels<2>(p, row, count, panel);
    for (; panel < part.last_panel; ++panel) run_panels<1>(p, row, count, panel);
  }
  return 0;
}
