// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// bound_search: looks hard for the input of a box on which the two networks differ most, to hold a bound against.
//
// A bound that nothing approaches may be loose, one that something exceeds is wrong. Uniform samples alone flatter it:
// among hundreds of inputs, errors cancel. So beside them there are corners, inputs a hair from where their codes
// change, the same with every rounding pushed along the gradient of an output (the worst there is for a network without
// relus and further rounding), and a greedy climb from the worst so far.
//
// Runs in float32 find the inputs; those that come near a bound or lead the search, and one in 64 of the others, are
// looked at again as a point of the twin domain, which knows the real network to a few parts in 2^40.
#pragma once

#include <dyadic/network/adjoint.hpp>
#include <dyadic/trust/bounds.hpp>
#include <dyadic/trust/random.hpp>

namespace dyadic::inline DYADIC_ABI {

struct bound_search_options {
  double radius = 0;
  double low = 0, high = 1;
  index_t samples = 1000;
  std::uint64_t seed = 1;
  run_options run{};
};

/// What a search found.
struct searched {
  std::vector<double> largest;    ///< of |quantized - float| at each output, certain to be reached
  std::vector<site_bound> sites;  ///< of |quantized - float| at each site, of the inputs looked at again
  std::int64_t samples = 0;       ///< inputs looked at
  std::int64_t looked_again = 0;  ///< of those, as a point
  std::int64_t escapes = 0;       ///< outputs of those that are certainly outside their bounds
  double float_error = 0;         ///< the largest |float32 - real| met there

  double worst() const noexcept {
    double most = 0;
    for (const double d : largest) most = d > most ? d : most;
    return most;
  }
};

namespace detail {

template <class Net>
class difference_search {
 public:
  difference_search(const Net& net, const plan& p, const weight_codes& codes, twin_weights& weights, const batch& image,
                    const error_bounds& bounds, index_t of, const bound_search_options& options)
      : net_(net),
        plan_(p),
        codes_(codes),
        weights_(weights),
        box_{image, options.radius, options.low, options.high},
        bounds_(bounds),
        outputs_(bounds.shape.features()),
        first_(of * outputs_),
        options_(options),
        random_(options.seed, of) {
    found_.largest.resize(static_cast<std::size_t>(outputs_));
    found_.sites.resize(p.sites().size());
  }

  result<searched> run() {
    const index_t n = box_.centres.rows.cols();
    block_.resize(static_cast<std::size_t>(block * n));
    best_.resize(static_cast<std::size_t>(n));
    for (index_t j = 0; j < n; ++j) best_[static_cast<std::size_t>(j)] = box_.centres.rows(0, j);
    if (const auto ok = try_block({best_.data(), 1, n}); !ok) return ok.error();
    if (box_.is_point()) return std::move(found_);
    if (const auto ok = find_gradients(); !ok) return ok.error();
    while (found_.samples < options_.samples) {
      const index_t left = options_.samples - found_.samples, count = left < block ? left : block;
      for (index_t i = 0; i < count; ++i) draw(block_.data() + i * n, found_.samples + i);
      if (const auto ok = try_block({block_.data(), count, n}); !ok) return ok.error();
    }
    return std::move(found_);
  }

 private:
  static constexpr index_t block = 64;

  /// d output / d input of the float network at the image, for every output.
  result<void> find_gradients() {
    const index_t n = box_.centres.rows.cols();
    gradients_.resize(static_cast<std::size_t>(outputs_ * n));
    std::vector<float> one(static_cast<std::size_t>(outputs_));
    for (index_t j = 0; j < outputs_; ++j) {
      one.assign(one.size(), 0.0f);
      one[static_cast<std::size_t>(j)] = 1.0f;
      const auto ok = try_input_gradient(net_, box_.centres, strided<const float>(one.data(), 1, outputs_),
                                         strided<float>(gradients_.data() + j * n, 1, n));
      if (!ok) return ok.error();
    }
    return {};
  }

  /// Input number `index` of the search.
  void draw(float* x, std::int64_t index) const noexcept {
    const index_t n = box_.centres.rows.cols();
    const random_stream here(random_.bits(static_cast<std::uint64_t>(index)));
    const std::uint64_t kind = here.below(0, 16);
    const auto output = static_cast<index_t>(here.below(1, static_cast<std::uint64_t>(outputs_)));
    const float turn = here.sign(2);
    for (index_t j = 0; j < n; ++j) {
      const auto at = static_cast<std::uint64_t>(4 * j + 4);
      const float along = turn * gradients_[static_cast<std::size_t>(output * n + j)];
      if (kind < 2)
        x[j] = inside(j, static_cast<double>(here.uniform(at)));
      else if (kind < 3)
        x[j] = inside(j, here.sign(at) > 0 ? 1.0 : 0.0);
      else if (kind < 4)
        x[j] = inside(j, along > 0 ? 1.0 : 0.0);
      else if (kind < 5)
        x[j] = near_change(j, here.uniform(at), here.sign(at + 1));
      else if (kind < 8)
        x[j] = near_change(j, here.uniform(at), along);
      else if (here.below(at, kind < 12 ? 8 : 64) != 0)
        x[j] = best_[static_cast<std::size_t>(j)];
      else
        x[j] = here.sign(at + 1) > 0 ? inside(j, here.sign(at + 2) > 0 ? 1.0 : 0.0)
                                     : near_change(j, here.uniform(at + 3), here.sign(at + 2));
    }
  }
  /// A share of the way from the low end of input j to its high end, as a float that is inside.
  float inside(index_t j, double share) const noexcept {
    const enclosure e = box_.at(0, j);
    const double x = share <= 0.0 ? e.low : share >= 1.0 ? e.high : e.low + share * (e.high - e.low);
    auto f = static_cast<float>(x);
    if (static_cast<double>(f) < e.low) f = std::nextafter(f, std::numeric_limits<float>::infinity());
    if (static_cast<double>(f) > e.high) f = std::nextafter(f, -std::numeric_limits<float>::infinity());
    return f;
  }
  /// Where the code of input j changes: just above when `up`, where it is rounded up, else just below.
  float near_change(index_t j, float share, float up) const noexcept {
    const enclosure e = box_.at(0, j);
    const double scale = static_cast<double>(plan_.params(0).scale);
    const double code = round<rounding::half_even>((e.low + static_cast<double>(share) * (e.high - e.low)) / scale);
    const double change = (code + 0.5) * scale, x = change + (up > 0 ? 0x1p-18 : -0x1p-18) * scale;
    const double held = x < e.low ? x + scale : x > e.high ? x - scale : x;
    return inside(j, (held - e.low) / (e.high - e.low));
  }

  result<void> try_block(strided<const float> x) {
    const batch images{x, box_.centres.size, box_.centres.channels};
    const auto q = plan_.try_run(net_, images, options_.run), f = plan_.try_run_real(net_, images, options_.run);
    if (!q) return q.error();
    if (!f) return f.error();
    for (index_t i = 0; i < x.rows(); ++i, ++found_.samples) {
      double most = 0;
      bool again = found_.samples % 64 == 0 || box_.is_point();
      for (index_t j = 0; j < outputs_; ++j) {
        const double d = size_of(static_cast<double>(q->matrix()(i, j)) - static_cast<double>(f->matrix()(i, j)));
        most = d > most ? d : most;
        again = again || d > found_.largest[static_cast<std::size_t>(j)] ||
                d > 0.5 * bounds_.difference[static_cast<std::size_t>(first_ + j)].size();
      }
      if (again)
        if (const auto ok =
                look_again({{x.row(i), 1, x.cols()}, images.size, images.channels}, f->values.data() + i * outputs_);
            !ok)
          return ok;
      if (most <= best_difference_) continue;
      best_difference_ = most;
      std::memcpy(best_.data(), x.row(i), best_.size() * sizeof(float));
    }
    return {};
  }

  /// One input as a point: what is certain about it.
  result<void> look_again(const batch& x, const float* f) {
    twin run(plan_, codes_, weights_, 0, found_.sites, options_.run);
    const tensor<twin> point = input(run, input_box{x, 0.0, box_.low, box_.high});
    const tensor<twin> y = net_(point);
    if (!finished(run, plan_, y)) return run.error();
    ++found_.looked_again;
    const chosen& p = plan_.params(y.site());
    for (index_t j = 0; j < outputs_; ++j) {
      const twin_element& e = y.data()[j];
      const auto q = static_cast<double>(dequantize_one(e.codes.low, p.scale, p.zero_point));
      const enclosure d = enclosure{q, q} - e.real, &bound = bounds_.difference[static_cast<std::size_t>(first_ + j)];
      const double sure = d.low > 0.0 ? d.low : d.high < 0.0 ? -d.high : 0.0;
      double& most = found_.largest[static_cast<std::size_t>(j)];
      most = sure > most ? sure : most;
      const bool codes_out = !bounds_.codes[static_cast<std::size_t>(first_ + j)].contains(e.codes.low);
      if (codes_out || d.low > bound.high || d.high < bound.low) ++found_.escapes;
      const double error = size_of(static_cast<double>(f[j]) - e.real.centre());
      found_.float_error = error > found_.float_error ? error : found_.float_error;
    }
    return {};
  }

  const Net& net_;
  const plan& plan_;
  const weight_codes& codes_;
  twin_weights& weights_;
  input_box box_;
  const error_bounds& bounds_;
  index_t outputs_, first_;
  bound_search_options options_;
  random_stream random_;
  searched found_;
  double best_difference_ = -1;
  std::vector<float> best_, block_, gradients_;
};

}  // namespace detail

/// Searches the boxes around the images of x one by one; `samples` inputs for each.
/// \param bounds  of the same images and radius: outputs outside them are counted as escapes.
template <class Net>
result<std::vector<searched>> try_search_difference(const Net& net, const plan& p, const batch& x,
                                                    const error_bounds& bounds,
                                                    const bound_search_options& options = {}) {
  if (const auto ok = check_input_box({x, options.radius, options.low, options.high}); !ok) return ok.error();
  if (bounds.shape.images != x.rows.rows())
    return failure(errc::invalid_shape, "search_difference: bounds of {} images for {}", bounds.shape.images,
                   x.rows.rows());
  const auto codes = weight_codes::try_make(p);
  if (!codes) return codes.error();
  twin_weights weights(p);
  workspace own;
  bound_search_options how = options;
  if (how.run.memory == nullptr) how.run.memory = &own;
  std::vector<searched> made;
  for (index_t i = 0; i < x.rows.rows(); ++i) {
    const batch image{{x.rows.row(i), 1, x.rows.cols(), x.rows.row_stride(), x.rows.col_stride()}, x.size, x.channels};
    auto found = detail::difference_search<Net>(net, p, *codes, weights, image, bounds, i, how).run();
    if (!found) return found.error();
    made.push_back(std::move(*found));
  }
  return made;
}

#if DYADIC_EXCEPTIONS
template <class Net>
std::vector<searched> search_difference(const Net& net, const plan& p, const batch& x, const error_bounds& bounds,
                                        const bound_search_options& options = {}) {
  return try_search_difference(net, p, x, bounds, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
