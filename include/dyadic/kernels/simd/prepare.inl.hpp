// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows of x as the microkernels read them: where they stand if that will do, otherwise copied, converted or quantized a
// block at a time.

/// Deals out a task's scratch, each array from a cache line on; without memory it only counts.
class carver {
 public:
  explicit carver(std::uint8_t* memory)
      : at_(memory == nullptr ? nullptr : memory + (64 - (reinterpret_cast<std::uintptr_t>(memory) & 63)) % 64) {}

  template <class T>
  T* take(index_t count) {
    T* const mine = at_ == nullptr ? nullptr : reinterpret_cast<T*>(at_ + used_);
    used_ += (count * static_cast<index_t>(sizeof(T)) + 63) / 64 * 64;
    return mine;
  }
  index_t bytes() const { return used_ + 64; }

 private:
  std::uint8_t* at_;
  index_t used_ = 0;
};

/// Widens [*low, *high], which holds zero, to the finite numbers of x.
inline void range_with_zero(const float* x, index_t n, float* low, float* high) {
  for (index_t i = 0; i < n; ++i) {
    i += statistics::extent(x + i, n - i, low, high);
    if (i == n || x[i] - x[i] != 0.0f) continue;
    *low = x[i] < *low ? x[i] : *low;
    *high = x[i] > *high ? x[i] : *high;
  }
}

/// Codes of a block of rows, with their zero points (counted in prepared codes) and scales.
template <class D>
class prepared_codes {
 public:
  using x_code = typename D::x_code;

  prepared_codes(const gemm_call& g, index_t block_rows, carver& c) : g_(g), in_place_(in_place(g)) {
    const weights_view& w = g.w;
    const epilogue_view& e = g.out;
    if (in_place_) {
      stride_ = g.x.direct_stride;
      left_ = g.k % w.step_codes();
      if (left_ != 0) tail_ = c.take<x_code>(quad * block_rows);
    } else {
      stride_ = w.groups * w.group_codes();
      x_ = copy_ = c.take<x_code>(block_rows * stride_);
      if (is_dynamic() && g.x.direct == nullptr) reals_ = c.take<float>(g.k);
      if (!native(g) && (is_dynamic() || g.x.direct == nullptr)) bytes_ = c.take<std::uint8_t>(g.k);
    }
    if (w.zero_points != nullptr) sums_ = c.take<std::int32_t>(block_rows * w.groups);
    one_zero_ = (e.x_zero_points != nullptr ? e.x_zero_points[0] : 0) + e.x_zero_base - D::x_offset;
    one_scale_ = e.x_scales != nullptr ? e.x_scales[0] : 1.0f;
    if (alike()) return;
    const index_t params = block_rows * g.x_groups;
    if (is_dynamic() ? !g.dynamic.symmetric : e.x_zero_points != nullptr) zeros_ = c.take<std::int32_t>(params);
    if (is_dynamic() || e.x_scales != nullptr) scales_ = c.take<float>(params);
  }
  prepared_codes(const prepared_codes&) = delete;

  /// Whether codes of x are what dot4 takes. Packed weights pad every group to whole steps; where x does not, its last
  /// bytes are a tail, or it is converted.
  static bool native(const gemm_call& g) {
    const bool alike_steps = g.w.group == g.w.group_codes() || (g.w.groups == 1 && !g.w.four_bit);
    return sizeof(x_code) == 1 && g.x_signed == (D::x_offset != 0) && alike_steps;
  }
  static bool in_place(const gemm_call& g) {
    return native(g) && g.x.direct != nullptr && g.dynamic.choose == nullptr;
  }

  void fill(index_t row, index_t count) {
    const auto* direct = static_cast<const std::uint8_t*>(g_.x.direct);
    if (is_dynamic()) return quantize(row, count);
    if (!alike()) fill_params(row, count);
    if (in_place_) x_ = reinterpret_cast<const x_code*>(direct + row * stride_);
    if (native(g_) && !in_place_) g_.x.fill(g_.x.self, row, count, copy_, stride_);
    if (native(g_) && tail_ == nullptr && sums_ == nullptr) return;
    for (index_t i = 0; i < count; ++i) {
      const auto* from = reinterpret_cast<const std::uint8_t*>(x_ + i * stride_);
      if (!native(g_)) {
        if (direct == nullptr) g_.x.fill(g_.x.self, row + i, 1, bytes_, g_.k);
        from = direct == nullptr ? bytes_ : direct + (row + i) * g_.x.direct_stride;
        convert(from, i);
      }
      if (sums_ != nullptr) sum_groups(from, i);
      if (tail_ != nullptr) {
        const x_code* end = x_ + i * stride_ + whole();
        x_code* const to = tail_ + quad * i;
        to[0] = end[0];
        to[1] = left_ > 1 ? end[1] : x_code{};
        to[2] = left_ > 2 ? end[2] : x_code{};
        to[3] = x_code{};
      }
    }
  }

  /// One zero point and scale for all rows.
  bool alike() const { return !is_dynamic() && g_.out.rows_a_param >= g_.m && g_.x_groups == 1; }
  const x_code* row(index_t i) const { return x_ + i * stride_; }
  index_t stride() const { return stride_; }
  const x_code* tail(index_t i) const { return tail_ == nullptr ? nullptr : tail_ + quad * i; }
  /// Codes of a row that stand in whole steps.
  index_t whole() const { return in_place_ ? g_.k - left_ : stride_; }
  /// Sums of the prepared codes of each group of a row; none unless weights have zero points.
  const std::int32_t* sums(index_t i) const { return sums_ == nullptr ? nullptr : sums_ + i * g_.w.groups; }
  const std::int32_t* zeros(index_t i) const { return zeros_ == nullptr ? &one_zero_ : zeros_ + i * g_.x_groups; }
  const float* scales(index_t i) const { return scales_ == nullptr ? &one_scale_ : scales_ + i * g_.x_groups; }
  bool zeros_alike() const { return zeros_ == nullptr; }
  bool scales_alike() const { return scales_ == nullptr; }

 private:
  bool is_dynamic() const { return g_.dynamic.choose != nullptr; }

  void fill_params(index_t row, index_t count) {
    const epilogue_view& e = g_.out;
    index_t param = row / e.rows_a_param, left = e.rows_a_param - row % e.rows_a_param;
    for (index_t i = 0; i < count; ++i) {
      for (index_t group = 0; group < g_.x_groups; ++group) {
        const index_t at = param * g_.x_groups + group, to = i * g_.x_groups + group;
        if (zeros_ != nullptr) zeros_[to] = e.x_zero_points[at] + e.x_zero_base - D::x_offset;
        if (scales_ != nullptr) scales_[to] = e.x_scales[at];
      }
      if (--left == 0) ++param, left = e.rows_a_param;
    }
  }

  void quantize(index_t row, index_t count) {
    const index_t part = g_.x_groups == 1 ? g_.k : g_.w.group;
    clip_count clipped;  // only NaN and infinities can be
    const dynamic_codes& d = g_.dynamic;
    const auto* const direct = static_cast<const float*>(g_.x.direct);
    for (index_t i = 0; i < count; ++i) {
      if (direct == nullptr) g_.x.fill(g_.x.self, row + i, 1, reals_, g_.k);
      const float* const from = direct == nullptr ? reals_ : direct + (row + i) * g_.x.direct_stride;
      auto* const codes = native(g_) ? reinterpret_cast<std::uint8_t*>(copy_ + i * stride_) : bytes_;
      for (index_t group = 0; group < g_.x_groups; ++group) {
        float low = 0, high = 0;
        range_with_zero(from + group * part, part, &low, &high);
        const dynamic_codes::params p = d.choose(low, high);
        const std::int32_t zero = p.zero_point + g_.out.x_zero_base;
        runs::codes<onnx_profile, 8>(from + group * part, part, {p.scale, zero, d.low, d.high}, codes + group * part,
                                     clipped);
        scales_[i * g_.x_groups + group] = p.scale;
        if (zeros_ != nullptr) zeros_[i * g_.x_groups + group] = zero - D::x_offset;
      }
      if (sums_ != nullptr) sum_groups(codes, i);
      if (!native(g_)) convert(codes, i);
    }
  }

  /// A row, each group padded. What padding holds does not matter, for the weights there are 0, but it is written.
  void convert(const std::uint8_t* from, index_t i) {
    x_code* to = copy_ + i * stride_;
    for (index_t group = 0; group < g_.w.groups; ++group, from += g_.w.group, to += g_.w.group_codes()) {
      index_t k = 0;
      for (; k + 16 <= g_.w.group; k += 16) D::store_x(to + k, unsigned_codes(from + k));
      for (; k < g_.w.group; ++k) to[k] = static_cast<x_code>(unsigned_code(from[k]) - D::x_offset);
      for (; k < g_.w.group_codes(); ++k) to[k] = 0;
    }
  }

  /// The sums of the prepared codes of each group of row i: |sum| <= 255 * k, which pack has bounded.
  void sum_groups(const std::uint8_t* from, index_t i) {
    for (index_t group = 0; group < g_.w.groups; ++group, from += g_.w.group) {
      std::int32_t sum = 0, quads[4];
      index_t k = 0;
      for (; k + 16 <= g_.w.group; k += 16) {
        store_quad_sums(quads, unsigned_codes(from + k));
        sum += quads[0] + quads[1] + quads[2] + quads[3] - 16 * D::x_offset;
      }
      for (; k < g_.w.group; ++k) sum += unsigned_code(from[k]) - D::x_offset;
      sums_[i * g_.w.groups + group] = sum;
    }
  }
  bytev unsigned_codes(const std::uint8_t* p) const { return g_.x_signed ? flip_sign(load_bytes(p)) : load_bytes(p); }
  int unsigned_code(std::uint8_t code) const { return g_.x_signed ? code ^ 128 : code; }

  const gemm_call& g_;
  const bool in_place_;
  index_t stride_ = 0, left_ = 0;
  const x_code* x_ = nullptr;
  x_code *copy_ = nullptr, *tail_ = nullptr;
  float *reals_ = nullptr, *scales_ = nullptr;
  std::uint8_t* bytes_ = nullptr;
  std::int32_t *sums_ = nullptr, *zeros_ = nullptr;
  std::int32_t one_zero_ = 0;
  float one_scale_ = 1.0f;
};
