// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recalibration: propose new ranges from recent inputs, check them on others, swap, log.
//
//   const auto done = dyadic::recalibrate(serving, net, recent, {}, [](const dyadic::recalibration& r) { ... });
//
// The monitor says that something is wrong; only inputs say what is right. Codes at an end tell that numbers were cut
// off, not how far out they were. So whoever wants to recalibrate keeps some recent inputs, some hundreds, as floats.
//
// Every second of them proposes, the others check: no image is judged by ranges it has set itself. Both steps count
// images and not sums over them, so that a few images of any size neither widen a range nor decide a check.
#pragma once

#include <dyadic/network/calibrate.hpp>
#include <dyadic/trust/plan_switch.hpp>
#include <dyadic/trust/statistics.hpp>

namespace dyadic::inline DYADIC_ABI {

struct recalibration_options {
  recipe how{};             ///< of the new plan
  double leave_out = 0.02;  ///< share of the proposing images with the largest numbers that have no say
  double least_gain = 1.0;  ///< dB of SQNR at the result, for the median image
  double alpha = 0.01;      ///< chance to swap for a plan that is no better
};

/// Two plans on the same images, measured at the result of the network against its floats.
struct plan_check {
  index_t images = 0;
  index_t better = 0, worse = 0;  ///< images whose error is smaller, or larger, with the second plan
  double gain = 0;                ///< dB of the median image: 10 log10(noise of the first / noise of the second)
  double p = 1;                   ///< that so many more are better than worse, if each were as likely
  double sqnr_before = 0, sqnr_after = 0;  ///< dB over all images together

  bool accepted(const recalibration_options& o) const noexcept {
    return better > worse && p <= o.alpha && gain >= o.least_gain;
  }
};

/// What a recalibration did: the entry for a log.
struct recalibration {
  enum class outcome : unsigned char { refused, swapped, rolled_back };
  outcome what = outcome::refused;
  std::uint64_t version_before = 0, version_after = 0;  ///< of the plan in service
  index_t proposed_by = 0, left_out = 0;                ///< images that set the new ranges, and that had no say
  plan_check check;
};

constexpr const char* to_string(recalibration::outcome what) noexcept {
  constexpr const char* names[] = {"refused", "swapped", "rolled back"};
  return names[static_cast<int>(what)];
}

namespace detail {

/// The domain real, with the largest magnitude of each site.
class largest_run : public float_run {
 public:
  explicit largest_run(const run_options& options) noexcept : float_run(options) {}
  void produced(const tensor<largest_run>& y) {
    float most = 0;
    for (const float x : y.elements())
      if (!(x <= most && -x <= most)) most = x == x ? (x < 0 ? -x : x) : std::numeric_limits<float>::infinity();
    largest_.push_back(most);
  }
  const std::vector<float>& largest() const noexcept { return largest_; }

 private:
  std::vector<float> largest_;
};

/// Image i of a batch as a batch.
inline batch image_of(const batch& x, index_t i) noexcept {
  return {{&x.rows(i, 0), 1, x.rows.cols(), x.rows.row_stride(), x.rows.col_stride()}, x.size, x.channels};
}
/// Every second image of a batch, from `first` on.
inline batch every_second(const batch& x, index_t first) noexcept {
  const index_t n = x.rows.rows() > first ? (x.rows.rows() - first + 1) / 2 : 0;
  return {{n > 0 ? &x.rows(first, 0) : x.rows.data(), n, x.rows.cols(), 2 * x.rows.row_stride(), x.rows.col_stride()},
          x.size,
          x.channels};
}

/// How far out each image goes: the largest, over all sites, of its largest number there over that of the median image.
template <class Net>
result<std::vector<double>> try_reach(const Net& net, const batch& x, const run_options& options) {
  const auto images = static_cast<std::size_t>(x.rows.rows());
  std::vector<std::vector<float>> at_sites;
  for (std::size_t i = 0; i < images; ++i) {
    largest_run run(options);
    (void)net(input(run, image_of(x, static_cast<index_t>(i))));
    if (!run.ok()) return run.error();
    at_sites.push_back(run.largest());
  }
  std::vector<double> reach(images, 0.0);
  for (std::size_t s = 0; s < at_sites[0].size(); ++s) {
    const auto order = sorted_positions(static_cast<index_t>(images), [&](index_t a, index_t b) {
      return at_sites[static_cast<std::size_t>(a)][s] < at_sites[static_cast<std::size_t>(b)][s];
    });
    const auto median = static_cast<double>(at_sites[static_cast<std::size_t>(order[images / 2])][s]);
    for (std::size_t i = 0; i < images; ++i) {
      const auto here = static_cast<double>(at_sites[i][s]);
      const double ratio = here > 0 ? here / median : 0;  // infinite where the median image has zeros only
      if (!(ratio <= reach[i])) reach[i] = ratio == ratio ? ratio : std::numeric_limits<double>::infinity();
    }
  }
  return reach;
}

}  // namespace detail

/// A plan from recent inputs, and how many of them had no say.
struct plan_proposal {
  dyadic::plan plan;
  index_t images = 0, left_out = 0;
};

/// Calibrates on x without the images that reach farthest out, ceil(leave_out * images) of them. At no site does the
/// new range go beyond what the farthest of the others needs, whatever the images left out contain: fewer hostile
/// images than are left out cannot widen it beyond the honest ones.
/// errc::no_data when no image is left.
template <class Net>
result<plan_proposal> try_propose(const Net& net, const batch& x, const recalibration_options& o = {}) {
  if (const auto ok = check_batch(x); !ok) return ok.error();
  if (!(o.leave_out >= 0 && o.leave_out < 1))
    return failure(errc::invalid_range, "recalibrate: leave_out {}, expected a number in [0, 1)", o.leave_out);
  const index_t images = x.rows.rows();
  const auto out = static_cast<index_t>(std::ceil(o.leave_out * static_cast<double>(images)));
  if (out >= images)
    return failure(errc::no_data, "recalibrate: {} images and {} of them left out, expected more", images, out);
  const auto reach = detail::try_reach(net, x, o.how.run);
  if (!reach) return reach.error();
  const auto order = sorted_positions(images, [&](index_t a, index_t b) {
    return (*reach)[static_cast<std::size_t>(a)] < (*reach)[static_cast<std::size_t>(b)];
  });
  recording seen;
  for (index_t i = 0; i < images - out; ++i)
    if (const auto ok = try_record(net, detail::image_of(x, order[static_cast<std::size_t>(i)]), seen, o.how.run); !ok)
      return ok.error();
  auto made = plan::try_make(seen, o.how);
  if (!made) return made.error();
  return plan_proposal{std::move(*made), images - out, out};
}

/// Runs x in float and with both plans, image by image.
/// errc::no_data for no image; errc::wrong_site when a plan is not of this network.
template <class Net>
result<plan_check> try_check(const Net& net, const plan& before, const plan& after, const batch& x,
                             const run_options& options = {}) {
  if (x.rows.rows() == 0) return failure(errc::no_data, "recalibrate: 0 images to check with, expected at least 1");
  const auto reals = before.try_run_real(net, x, options);
  if (!reals) return reals.error();
  const auto first = before.try_run(net, x, options), second = after.try_run(net, x, options);
  if (!first) return first.error();
  if (!second) return second.error();
  plan_check made;
  made.images = x.rows.rows();
  std::vector<double> gains;
  double signal = 0, noise_before = 0, noise_after = 0;
  const auto decibels = [](double a, double b) {  // equal, no noise included, is 0; no noise after some is infinite
    return a == b ? 0 : 10 * std::log10(a / b);
  };
  for (index_t i = 0; i < made.images; ++i) {
    double own_before = 0, own_after = 0;
    for (index_t j = 0; j < reals->shape.features(); ++j) {
      const auto r = static_cast<double>(reals->matrix()(i, j));
      const double a = static_cast<double>(first->matrix()(i, j)) - r,
                   b = static_cast<double>(second->matrix()(i, j)) - r;
      signal = std::fma(r, r, signal), own_before = std::fma(a, a, own_before), own_after = std::fma(b, b, own_after);
    }
    noise_before += own_before, noise_after += own_after;
    made.better += own_after < own_before ? 1 : 0;
    made.worse += own_after > own_before ? 1 : 0;
    gains.push_back(decibels(own_before, own_after));
  }
  const auto order = sorted_positions(made.images, [&](index_t a, index_t b) {
    return gains[static_cast<std::size_t>(a)] < gains[static_cast<std::size_t>(b)];
  });
  made.gain = gains[static_cast<std::size_t>(order[order.size() / 2])];
  made.p = mcnemar_p(made.worse, made.better);
  made.sqnr_before = decibels(signal, noise_before), made.sqnr_after = decibels(signal, noise_after);
  return made;
}

/// Proposes a plan from every second image of `recent`, checks it on the others against the one in service, and swaps
/// when the check accepts. log(entry) is called with the outcome before this returns.
template <class Net, class Log>
result<recalibration> try_recalibrate(plan_switch& serving, const Net& net, const batch& recent,
                                      const recalibration_options& o, Log&& log) {
  auto proposal = try_propose(net, detail::every_second(recent, 0), o);
  if (!proposal) return proposal.error();
  recalibration done;
  done.proposed_by = proposal->images, done.left_out = proposal->left_out;
  {
    const auto now = serving.read();
    const auto checked = try_check(net, *now, proposal->plan, detail::every_second(recent, 1), o.how.run);
    if (!checked) return checked.error();
    done.check = *checked;
    done.version_before = done.version_after = now.version();
  }
  if (done.check.accepted(o)) {
    const auto version = serving.try_swap(std::move(proposal->plan));
    if (!version) return version.error();
    done.what = recalibration::outcome::swapped;
    done.version_after = *version;
  }
  log(static_cast<const recalibration&>(done));
  return done;
}

/// Puts the plan before this one back into service, and logs it.
template <class Log>
result<recalibration> try_roll_back(plan_switch& serving, Log&& log) {
  recalibration done;
  done.version_before = serving.read().version();
  const auto version = serving.try_roll_back();
  if (!version) return version.error();
  done.what = recalibration::outcome::rolled_back;
  done.version_after = *version;
  log(static_cast<const recalibration&>(done));
  return done;
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where the try_ functions refuse.
template <class Net, class Log>
recalibration recalibrate(plan_switch& serving, const Net& net, const batch& recent, const recalibration_options& o,
                          Log&& log) {
  return try_recalibrate(serving, net, recent, o, log).value();
}
template <class Log>
recalibration roll_back(plan_switch& serving, Log&& log) {
  return try_roll_back(serving, log).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
