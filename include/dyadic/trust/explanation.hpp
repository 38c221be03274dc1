// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// explanation: what each part of an input contributed to one output of a model, and whether the contributions add up.
//
// A part is a set of numbers that stand or fall together: a patch of an image, a column of a table. To take a part away
// is to put the numbers of a baseline in its place: the explanation answers "instead of that baseline", and no other
// question.
#pragma once

#include <limits>

#include <dyadic/trust/model.hpp>
#include <dyadic/trust/summation.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Number j of an input belongs to part of[j], in [0, count).
struct input_parts {
  std::vector<std::int32_t> of;
  index_t count = 0;
};

/// Every number is a part of its own.
inline input_parts single_numbers(index_t features) {
  input_parts made;
  for (; made.count < features; ++made.count) made.of.push_back(static_cast<std::int32_t>(made.count));
  return made;
}

/// Patches of `size` pixels side by side, all channels of a pixel together; those at the right and lower edge are cut.
/// Row by row, as pixels are.
inline result<input_parts> try_patches(const image_shape& image, extent2 size) {
  if (const auto ok = check_image("patches", image); !ok) return ok.error();
  if (size.height < 1 || size.width < 1 || image.features() < 1)
    return failure(errc::invalid_shape, "patches: {} x {} pixels of an image of {} x {} x {}, expected sizes >= 1",
                   size.height, size.width, image.height, image.width, image.channels);
  const index_t across = blocks_of(image.width, size.width);
  input_parts made;
  made.count = blocks_of(image.height, size.height) * across;
  for (index_t h = 0; h < image.height; ++h)
    for (index_t w = 0; w < image.width; ++w)
      for (index_t c = 0; c < image.channels; ++c)
        made.of.push_back(static_cast<std::int32_t>(h / size.height * across + w / size.width));
  return made;
}
#if DYADIC_EXCEPTIONS
inline input_parts patches_of(const image_shape& image, extent2 size) { return try_patches(image, size).value(); }
#endif

/// What is explained: score `target` of a model at x, beside what the model says of the baseline.
struct question {
  batch x;                          ///< one image, finite numbers
  std::span<const float> baseline;  ///< as many numbers as x has
  const input_parts& parts;
  index_t target = 0;
  index_t batch_size = 256;  ///< inputs a call of the model; changes no bit
};

/// Contributions of the parts, in the units of the score.
struct explanation {
  std::vector<double> values;            ///< one a part
  std::vector<double> standard_errors;   ///< one a part where orders were drawn at random, else none
  double at_input = 0, at_baseline = 0;  ///< the score itself
  index_t evaluations = 0;               ///< inputs the model was asked about

  /// Where the model gives codes, the same in whole codes: values[p] = code_sums[p] * scale / orders.
  std::vector<std::int64_t> code_sums;
  std::int64_t code_change = 0;  ///< code at the input less code at the baseline
  index_t orders = 1;            ///< contributions that were added up for each part

  double total() const noexcept {
    compensated_sum sum;
    for (const double v : values) sum.add(v);
    return sum.value();
  }
  /// What there is to explain.
  double change() const noexcept { return at_input - at_baseline; }
  /// What the contributions miss: 0 where they are complete.
  double gap() const noexcept {
    const double d = total() - change();
    return d < 0 ? -d : d;
  }
  /// gap() as a share of |change()|; infinite where nothing changed and something was attributed.
  double relative_gap() const noexcept {
    const double c = change() < 0 ? -change() : change(), g = gap();
    return g == 0 ? 0 : c == 0 ? std::numeric_limits<double>::infinity() : g / c;
  }
  /// The contributions in codes add up to the change exactly, order by order; false where the model gives no codes.
  bool complete_in_codes() const noexcept {
    std::int64_t sum = 0;
    for (const std::int64_t c : code_sums) sum += c;
    return !code_sums.empty() && sum == code_change * orders;
  }
};

namespace detail {

/// One score of a model at mixtures of x and the baseline: in codes where the model gives codes, so that every
/// difference and every sum of them is an integer that a double holds exactly; else in reals.
class mixed_input {
 public:
  mixed_input(model_ref model, const question& q) noexcept : model_(model), q_(q) {}

  result<void> check(const char* what) {
    if (const auto ok = check_batch(q_.x); !ok) return ok;
    const auto features = static_cast<std::size_t>(q_.x.rows.cols());
    if (q_.x.rows.rows() != 1) return failure(errc::invalid_shape, "{}: {} images, expected 1", what, q_.x.rows.rows());
    if (q_.baseline.size() != features || q_.parts.of.size() != features)
      return failure(errc::invalid_shape, "{}: a baseline of {} numbers and parts of {} for an input of {}", what,
                     q_.baseline.size(), q_.parts.of.size(), features);
    if (q_.parts.count < 1 || q_.parts.count > q_.x.rows.cols())
      return failure(errc::invalid_shape, "{}: {} parts of {} numbers, expected 1 to {}", what, q_.parts.count,
                     q_.x.rows.cols(), q_.x.rows.cols());
    if (q_.batch_size < 1)
      return failure(errc::invalid_shape, "{}: batches of {}, expected at least 1", what, q_.batch_size);
    for (std::size_t j = 0; j < features; ++j)
      if (q_.parts.of[j] < 0 || q_.parts.of[j] >= q_.parts.count)
        return failure(errc::invalid_range, "{}: number {} belongs to part {}, expected 0 to {}", what, j,
                       q_.parts.of[j], q_.parts.count - 1);
    x_.resize(features);
    copy_rows(q_.x, 0, 1, x_.data());
    for (std::size_t j = 0; j < features; ++j)
      if (!(x_[j] - q_.baseline[j] - (x_[j] - q_.baseline[j]) == 0.0f))
        return failure(errc::invalid_range, "{}: number {} is {} and {} in the baseline, expected finite ones", what, j,
                       static_cast<double>(x_[j]), static_cast<double>(q_.baseline[j]));
    return {};
  }

  /// The score of n inputs, in units(): input i has x in the parts for which with(i, part), else the baseline.
  template <class With>
  result<void> ask(index_t n, const With& with, double* to) {
    const index_t features = static_cast<index_t>(x_.size());
    const index_t rows = n < q_.batch_size ? n : q_.batch_size;
    if (static_cast<index_t>(rows_.size()) < rows * features) rows_.resize(static_cast<std::size_t>(rows * features));
    for (index_t first = 0; first < n; first += rows) {
      const index_t count = n - first < rows ? n - first : rows;
      for (index_t i = 0; i < count; ++i)
        for (index_t j = 0; j < features; ++j) {
          const auto at = static_cast<std::size_t>(j);
          rows_[static_cast<std::size_t>(i * features + j)] =
              with(first + i, q_.parts.of[at]) ? x_[at] : q_.baseline[at];
        }
      if (const auto ok = read(count, to + first); !ok) return ok;
    }
    return {};
  }

  /// The scores of the baseline and of x.
  result<void> ask_ends(double* to) {
    return ask(2, [](index_t i, index_t) { return i == 1; }, to);
  }

  /// What one of those numbers is worth: the scale of the codes, or 1.
  double units() const noexcept { return scale_; }
  bool codes() const noexcept { return codes_; }
  index_t asked() const noexcept { return asked_; }
  index_t outputs() const noexcept { return outputs_; }
  /// The score itself.
  double score(double in_units) const noexcept { return scale_ * (in_units - zero_point_); }

 private:
  result<void> read(index_t count, double* to) {
    const batch x{{rows_.data(), count, static_cast<index_t>(x_.size())}, q_.x.size, q_.x.channels};
    const auto y = model_(x);
    if (!y) return y.error();
    const index_t outputs = y->shape.features();
    if (q_.target < 0 || q_.target >= outputs)
      return failure(errc::invalid_shape, "explain: output {} of {}, expected 0 to {}", q_.target, outputs,
                     outputs - 1);
    codes_ = !y->codes.empty();
    outputs_ = outputs;
    asked_ += count;
    if (codes_) scale_ = static_cast<double>(y->params.scale), zero_point_ = y->params.zero_point;
    for (index_t i = 0; i < count; ++i) {
      const index_t at = i * outputs + q_.target;
      to[i] = codes_ ? static_cast<double>(y->codes[at]) : static_cast<double>(y->values[at]);
    }
    return {};
  }

  model_ref model_;
  const question& q_;
  std::vector<float> x_, rows_;
  double scale_ = 1, zero_point_ = 0;
  bool codes_ = false;
  index_t asked_ = 0, outputs_ = 0;
};

/// An explanation of contributions that were added up over `orders`, in units of the score.
inline explanation explained(const mixed_input& mixed, std::span<const double> sums, index_t orders, double at_input,
                             double at_baseline) {
  explanation made;
  made.at_input = mixed.score(at_input);
  made.at_baseline = mixed.score(at_baseline);
  made.evaluations = mixed.asked();
  made.orders = orders;
  for (const double s : sums) {
    made.values.push_back(s * mixed.units() / static_cast<double>(orders));
    if (mixed.codes()) made.code_sums.push_back(static_cast<std::int64_t>(s));
  }
  if (mixed.codes()) made.code_change = static_cast<std::int64_t>(at_input - at_baseline);
  return made;
}

}  // namespace detail

}  // namespace dyadic::inline DYADIC_ABI
