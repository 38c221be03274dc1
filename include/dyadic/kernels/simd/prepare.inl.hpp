// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows of x as the microkernels read them: where they stand if that will do, otherwise copied a block at a time.

DYADIC_INLINE index_t smaller(index_t a, index_t b) { return a < b ? a : b; }

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

/// Codes of a block of rows.
template <class D>
class prepared_codes {
 public:
  using x_code = typename D::x_code;

  prepared_codes(const gemm_call& g, index_t block_rows, carver& c) : g_(g) {
    const weights_view& w = g.w;
    const bool native = sizeof(x_code) == 1 && g.x_signed == (D::x_offset != 0);
    // Packed weights pad every group to whole steps. Where x does not, its last bytes are a tail, or x is copied.
    const bool alike_steps = w.group == w.group_codes() || (w.groups == 1 && !w.four_bit);
    in_place_ = native && alike_steps && g.x.direct != nullptr;
    fills_ = native && alike_steps && g.x.direct == nullptr;
    if (in_place_) {
      stride_ = g.x.direct_stride;
      left_ = g.k % w.step_codes();
      if (left_ != 0) tail_ = c.take<x_code>(quad * block_rows);
    } else {
      stride_ = w.groups * w.group_codes();
      x_ = copy_ = c.take<x_code>(block_rows * stride_);
      if (!fills_ && g.x.direct == nullptr) raw_ = c.take<std::uint8_t>(g.k);
    }
    if (w.zero_points != nullptr) sums_ = c.take<std::int32_t>(block_rows * w.groups);
    const epilogue_view& e = g.out;
    one_zero_ = {(e.x_zero_points != nullptr ? e.x_zero_points[0] : 0) + e.x_zero_base - D::x_offset};
    one_scale_ = e.x_scales != nullptr ? e.x_scales[0] : 1.0f;
    if (!alike()) {
      if (e.x_zero_points != nullptr) zeros_ = c.take<std::int32_t>(block_rows * g.x_groups);
      if (e.x_scales != nullptr) scales_ = c.take<float>(block_rows * g.x_groups);
    }
  }
  prepared_codes(const prepared_codes&) = delete;

  void fill(index_t row, index_t count) {
    if (!alike()) fill_params(row, count);
    const auto* direct = static_cast<const std::uint8_t*>(g_.x.direct);
    if (in_place_) x_ = reinterpret_cast<const x_code*>(direct + row * stride_);
    if (fills_) g_.x.fill(g_.x.self, row, count, copy_, stride_);
    for (index_t i = 0; i < count; ++i) {
      if (in_place_ || fills_) {
        const auto* from = reinterpret_cast<const std::uint8_t*>(x_ + i * stride_);
        if (sums_ != nullptr) sum_groups(from, i);
        if (in_place_ && left_ != 0)
          for (index_t k = 0; k < quad; ++k) tail_[quad * i + k] = k < left_ ? x_[i * stride_ + whole() + k] : x_code{};
        continue;
      }
      const std::uint8_t* from = direct + (row + i) * g_.x.direct_stride;
      if (direct == nullptr) g_.x.fill(g_.x.self, row + i, 1, raw_, g_.k), from = raw_;
      for (index_t group = 0; group < g_.w.groups; ++group)
        convert(from + group * g_.w.group, copy_ + i * stride_ + group * g_.w.group_codes());
      if (sums_ != nullptr) sum_groups(from, i);
    }
  }

  bool alike() const { return g_.out.rows_a_param >= g_.m && g_.x_groups == 1; }
  const x_code* row(index_t i) const { return x_ + i * stride_; }
  index_t stride() const { return stride_; }
  const x_code* tail(index_t i) const { return tail_ == nullptr ? nullptr : tail_ + quad * i; }
  /// Codes of a row that stand in whole steps.
  index_t whole() const { return in_place_ ? g_.k - left_ : stride_; }
  const std::int32_t* sums(index_t i) const { return sums_ == nullptr ? nullptr : sums_ + i * g_.w.groups; }
  /// Zero points, in prepared codes, and scales: those of row i stand i * param_stride further.
  const std::int32_t* zeros(index_t i) const { return zeros_ == nullptr ? &one_zero_ : zeros_ + i * g_.x_groups; }
  const float* scales(index_t i) const { return scales_ == nullptr ? &one_scale_ : scales_ + i * g_.x_groups; }
  bool zeros_alike() const { return zeros_ == nullptr; }
  bool scales_alike() const { return scales_ == nullptr; }

 private:
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

  /// One group of a row. What its padding holds does not matter, for the weights there are 0, but it is written.
  void convert(const std::uint8_t* from, x_code* to) const {
    index_t k = 0;
    for (; k + 16 <= g_.w.group; k += 16) {
      bytev v = load_bytes(from + k);
      if (g_.x_signed) v = flip_sign(v);
      D::store_x(to + k, v);
    }
    for (; k < g_.w.group; ++k) to[k] = static_cast<x_code>((g_.x_signed ? from[k] ^ 128 : from[k]) - D::x_offset);
    for (; k < g_.w.group_codes(); ++k) to[k] = 0;
  }

  /// The sums of the prepared codes of each group of row i: |sum| <= 255 * k, which pack has bounded.
  void sum_groups(const std::uint8_t* from, index_t i) {
    for (index_t group = 0; group < g_.w.groups; ++group, from += g_.w.group) {
      std::int32_t sum = 0, quads[4];
      index_t k = 0;
      for (; k + 16 <= g_.w.group; k += 16) {
        const bytev v = load_bytes(from + k);
        store_quad_sums(quads, g_.x_signed ? flip_sign(v) : v);
        sum += quads[0] + quads[1] + quads[2] + quads[3] - 16 * D::x_offset;
      }
      for (; k < g_.w.group; ++k) sum += (g_.x_signed ? from[k] ^ 128 : from[k]) - D::x_offset;
      sums_[i * g_.w.groups + group] = sum;
    }
  }

  const gemm_call& g_;
  bool in_place_ = false, fills_ = false;
  index_t stride_ = 0, left_ = 0;
  const x_code* x_ = nullptr;
  x_code *copy_ = nullptr, *tail_ = nullptr;
  std::uint8_t* raw_ = nullptr;
  std::int32_t *sums_ = nullptr, *zeros_ = nullptr;
  float* scales_ = nullptr;
  std::int32_t one_zero_ = 0;
  float one_scale_ = 1.0f;
};
