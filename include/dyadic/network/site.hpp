// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// site: a place in a network where a tensor is produced; run_state: what every run over the sites has in common.
#pragma once

#include <dyadic/kernels/elementwise.hpp>
#include <dyadic/network/layers.hpp>
#include <dyadic/network/operations.hpp>
#include <dyadic/quantize/quantized.hpp>
#include <dyadic/scheme/choose.hpp>

namespace dyadic::inline DYADIC_ABI {

enum class site_kind : unsigned char { input, conv2d, linear, relu, max_pool, average_pool, add };

constexpr const char* to_string(site_kind k) noexcept {
  constexpr const char* names[] = {"input", "conv2d", "linear", "relu", "max_pool", "average_pool", "add"};
  return names[static_cast<int>(k)];
}

/// What an operation is, its numbers apart. Converts from a kind that has no window.
struct operation {
  site_kind kind = site_kind::input;
  window taps{};       ///< of a convolution or a pool
  index_t groups = 1;  ///< of a convolution

  constexpr operation(site_kind k, const window& w = {}, index_t g = 1) noexcept : kind(k), taps(w), groups(g) {}
};

/// One operation of a calibrated network, in the order in which it runs.
struct site {
  site_kind kind = site_kind::input;
  label name;
  extent2 size;               ///< height and width of the tensor it makes
  index_t channels = 0;
  window taps{};              ///< of a convolution or a pool
  index_t groups = 1;         ///< of a convolution
  int inputs[2] = {-1, -1};   ///< sites; -1 for none
  int consumers = 0;          ///< operations that use the tensor; the result of the network counts as one
  int relu = -1;  ///< the relu that is done here, in the clamp on the way out, because nothing else uses the sum
  bool done_before = false;   ///< a relu that its producer does
  int params_of = -1;         ///< the site whose scale and zero point the codes have: pooling keeps those of its input
  dyadic::range range{};      ///< what calibration found, extended to zero by choose
  chosen params;              ///< of the codes; unsigned, 8 bits
  std::uint64_t not_finite = 0;  ///< NaN and infinities that calibration met here
};

/// A run over the sites of a network: who runs it, where its tensors live, which site comes next, what went wrong.
///
/// An operation that cannot be done records why and yields an empty tensor, and every later one yields empty tensors
/// too: a network needs no error handling of its own, and works without exceptions.
class run_state {
 public:
  explicit run_state(const run_options& options, const std::vector<site>* known = nullptr) noexcept
      : options_(options), known_(known) {
    if (options_.memory == nullptr) options_.memory = &own_;
  }
  run_state(const run_state&) = delete;
  run_state& operator=(const run_state&) = delete;

  bool ok() const noexcept { return ok_; }
  const failure& error() const noexcept { return error_; }
  void fail(const failure& why) noexcept {
    if (ok_) error_ = why;
    ok_ = false;
  }
  template <class T>
  bool check(const result<T>& r) noexcept {
    if (!r) fail(r.error());
    return ok_;
  }
  /// The same for what went wrong at site s, which the message then names.
  template <class T>
  bool check_at(int s, const result<T>& r) noexcept {
    const bool named = known_ != nullptr && s < static_cast<int>(known_->size());
    if (!r && named)
      fail(failure(r.error().code(), "network: site {} ('{}'): {}", s,
                   (*known_)[static_cast<std::size_t>(s)].name.c_str(), r.error().message()));
    else if (!r)
      fail(failure(r.error().code(), "network: site {}: {}", s, r.error().message()));
    return ok_;
  }

  const run_options& options() const noexcept { return options_; }
  memory_pool& memory() noexcept { return options_.memory->pool(); }

  /// The number of the next site, or -1 when the run has failed or the operation is not the calibrated one.
  int next(const operation& what, const image_shape& made, int first_input, int second_input = -1) noexcept {
    if (!ok_) return -1;
    const int here = count_++;
    if (known_ == nullptr) return here;
    if (here >= static_cast<int>(known_->size())) {
      fail(failure(errc::wrong_site, "network: a {} after the last of {} calibrated sites", to_string(what.kind),
                   static_cast<index_t>(known_->size())));
      return -1;
    }
    const site& s = (*known_)[static_cast<std::size_t>(here)];
    if (s.kind != what.kind)
      fail(failure(errc::wrong_site, "network: site {} ('{}') was {} when calibrated and is {} now", here,
                   s.name.c_str(), to_string(s.kind), to_string(what.kind)));
    else if (s.inputs[0] != first_input || s.inputs[1] != second_input)
      fail(failure(errc::wrong_site,
                   "network: site {} ('{}') took sites {} and {} when calibrated and takes {} and {} now", here,
                   s.name.c_str(), s.inputs[0], s.inputs[1], first_input, second_input));
    else if (s.size != extent2{made.height, made.width} || s.channels != made.channels)
      fail(failure(errc::wrong_site,
                   "network: site {} ('{}') made {} x {} x {} when calibrated and makes {} x {} x {} now", here,
                   s.name.c_str(), s.size.height, s.size.width, s.channels, made.height, made.width, made.channels));
    check_same(here, "a window of", s.taps.size, what.taps.size);
    check_same(here, "a stride of", s.taps.stride, what.taps.stride);
    check_same(here, "padding of", s.taps.padding, what.taps.padding);
    check_same(here, "a dilation of", s.taps.dilation, what.taps.dilation);
    if (s.groups != what.groups)
      fail(failure(errc::wrong_site, "network: site {} ('{}') had {} groups when calibrated and has {} now", here,
                   s.name.c_str(), s.groups, what.groups));
    return ok_ ? here : -1;
  }
  /// The number of the operation that comes next.
  int coming() const noexcept { return count_; }

  /// Every calibrated site was passed.
  bool complete() noexcept {
    if (ok_ && known_ != nullptr && count_ != static_cast<int>(known_->size()))
      fail(failure(errc::wrong_site, "network: ended after {} sites, {} were calibrated; the next is '{}'", count_,
                   static_cast<index_t>(known_->size()), (*known_)[static_cast<std::size_t>(count_)].name.c_str()));
    return ok_;
  }

  /// f(first, count) over shares of the images, on the executor of the run. Shares do not change a bit of what f makes.
  template <class F>
  void for_images(index_t images, F&& f) const {
    const index_t workers = options_.run.concurrency(), tasks = workers < images ? workers : images;
    options_.run.parallel_for(tasks, [&](index_t i) {
      const share s = share_of(images, tasks, i);
      f(s.first, s.last - s.first);
    });
  }

 private:
  void check_same(int here, const char* what, const extent2& was, const extent2& is) noexcept {
    if (was == is) return;
    fail(failure(errc::wrong_site, "network: site {} ('{}') had {} {} x {} when calibrated and has {} x {} now", here,
                 (*known_)[static_cast<std::size_t>(here)].name.c_str(), what, was.height, was.width, is.height,
                 is.width));
  }

  run_options options_;
  const std::vector<site>* known_;
  workspace own_;
  int count_ = 0;
  bool ok_ = true;
  failure error_;
};

/// A tensor of `shape` at `site`, elements not yet set; empty when site is -1 or memory is out.
template <class D>
tensor<D> make_tensor(D& run, const image_shape& shape, int site) noexcept {
  if (site < 0) return tensor<D>(run, {}, -1, {});
  auto memory = run.memory().take(shape.size() * static_cast<index_t>(sizeof(typename D::element)) + 1);
  if (memory.empty())
    run.fail(failure(errc::out_of_memory, "network: no memory for {} elements at site {}", shape.size(), site));
  return tensor<D>(run, shape, site, std::move(memory));
}

/// Shape of what an operation makes; empty, with the failure recorded, when x does not fit or the run has failed.
template <class D>
image_shape shape_after(D& run, const conv2d& layer, const tensor<D>& x) noexcept {
  if (!run.ok()) return {};
  const auto made = layer.output_shape(x.shape());
  return run.check_at(run.coming(), made) ? *made : image_shape{};
}
template <class D>
image_shape shape_after(D& run, const linear& layer, const tensor<D>& x) noexcept {
  if (run.ok() && x.shape().features() != layer.weights().cols())
    run.check_at(run.coming(),
                 result<void>(failure(errc::invalid_shape, "linear: x has {} features, the weights expect {}",
                                      x.shape().features(), layer.weights().cols())));
  return {x.shape().images, 1, 1, layer.weights().rows()};
}
template <class D>
image_shape shape_after(D& run, const window& taps, const tensor<D>& x) noexcept {
  if (!run.ok() || !run.check_at(run.coming(), kernels::pooling("pool", x.shape(), taps))) return {};
  return {x.shape().images, taps.out_height(x.shape().height), taps.out_width(x.shape().width), x.shape().channels};
}
template <class D>
image_shape shape_after(D& run, const tensor<D>& a, const tensor<D>& b) noexcept {
  if (run.ok() && a.shape() != b.shape())
    run.check_at(run.coming(), result<void>(failure(
        errc::invalid_shape, "add: {} x {} x {} x {} and {} x {} x {} x {}, expected the same shape", a.shape().images,
        a.shape().height, a.shape().width, a.shape().channels, b.shape().images, b.shape().height, b.shape().width,
        b.shape().channels)));
  return a.shape();
}

inline operation kind_of(const conv2d& layer) noexcept { return {site_kind::conv2d, layer.taps(), layer.groups()}; }
inline operation kind_of(const linear&) noexcept { return site_kind::linear; }
constexpr operation kind_of(const operations::max_pool& pool) noexcept { return {site_kind::max_pool, pool.taps}; }
constexpr operation kind_of(const operations::average_pool& pool) noexcept {
  return {site_kind::average_pool, pool.taps};
}

/// Copies the rows of a batch into a tensor of floats, whatever their strides.
inline result<void> check_batch(const batch& x) noexcept {
  if (const auto ok = check_view("network: batch", x.rows); !ok) return ok.error();
  if (const auto ok = check_image("network: batch", x.shape()); !ok) return ok.error();
  if (x.shape().features() != x.rows.cols())
    return failure(errc::invalid_shape, "network: rows of {} numbers for images of {} x {} x {}", x.rows.cols(),
                   x.size.height, x.size.width, x.shape().channels);
  return {};
}
inline void copy_rows(const batch& x, index_t first, index_t count, float* to) noexcept {
  const kernels::matrix_rows<float> rows{x.rows};
  kernels::matrix_rows<float>::fill(&rows, first, count, to + first * x.rows.cols(), x.rows.cols());
}

}  // namespace dyadic::inline DYADIC_ABI
