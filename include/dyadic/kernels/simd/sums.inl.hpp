// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of a panel in as many registers as it has columns: what `dot` inherits unless it keeps several sums a column.

struct plain_sums {
  using sums = i32v;
  static constexpr int sums_a_panel = 16 / lanes;

  static DYADIC_INLINE i32v zero() { return apart(set1(std::int32_t{0})); }
  static DYADIC_INLINE i32v plus(i32v a, i32v b) { return add(a, b); }
  static DYADIC_INLINE void load_start(const std::int32_t* from, i32v* sum) {
    DYADIC_UNROLL
    for (int i = 0; i < sums_a_panel; ++i) sum[i] = load(from + i * lanes);
  }
  static DYADIC_INLINE void store_sums(std::int32_t* to, const i32v* sum) {
    DYADIC_UNROLL
    for (int i = 0; i < sums_a_panel; ++i) store(to + i * lanes, sum[i]);
  }
  /// From numbers of columns to sums, and back.
  static DYADIC_INLINE void spread(const i32v* columns, i32v* sum) {
    DYADIC_UNROLL
    for (int i = 0; i < sums_a_panel; ++i) sum[i] = apart(columns[i]);
  }
  static DYADIC_INLINE void fold(const i32v* sum, i32v* columns) {
    DYADIC_UNROLL
    for (int i = 0; i < sums_a_panel; ++i) columns[i] = sum[i];
  }
};
