// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// calibrate a network: run it on some batches, look at every site, and make the plan; and the runs of a plan.
//
//   const auto plan = dyadic::calibrate(net, batches, dyadic::recipe{.percentile = 99.99});
//   const auto y = plan.run(net, x);
#pragma once

#include <dyadic/network/dynamic.hpp>
#include <dyadic/network/simulated.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Looks at one batch: the sites of the network, and the numbers at each. Callers with their own loop record batch by
/// batch and end with plan::try_make.
template <class Net>
result<void> try_record(const Net& net, const batch& x, recording& seen, const run_options& options = {}) {
  if (x.rows.rows() == 0) return failure(errc::no_data, "calibrate: a batch of 0 rows, expected at least 1");
  observed run(seen, options);
  const tensor<observed> y = net(input(run, x));
  if (!run.finish(y)) return run.error();
  return {};
}

/// Runs net on every batch of a range and makes the plan.
/// \param batches  any range of batch; at least one, else errc::no_data.
template <class Net, class Batches>
result<plan> try_calibrate(const Net& net, Batches&& batches, const recipe& how = {}) {
  recording seen;
  for (const batch& x : batches)
    if (const auto ok = try_record(net, x, seen, how.run); !ok) return ok.error();
  return plan::try_make(seen, how);
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument for what does not fit, naming the site; std::length_error where a sum cannot be proven.
template <class Net, class Batches>
plan calibrate(const Net& net, Batches&& batches, const recipe& how = {}) {
  return try_calibrate(net, batches, how).value();
}
#endif

namespace detail {

/// The end of a run: the replay was complete and y is the calibrated result.
template <class D>
bool finished(D& run, const plan& p, const tensor<D>& y) noexcept {
  if (run.complete() && y.site() != p.result_site())
    run.fail(failure(errc::wrong_site, "network: returned site {}, site {} was returned when calibrated", y.site(),
                     p.result_site()));
  return run.ok();
}

/// Copies the floats of a tensor out.
template <class D>
result<run_output> output_of(D& run, const plan& p, const tensor<D>& y) {
  if (!finished(run, p, y)) return run.error();
  run_output out;
  out.shape = y.shape();
  auto values = buffer<float>::make(y.shape().size());
  if (!values) return values.error();
  if (y.shape().size() > 0)
    std::memcpy(values->data(), y.data(), static_cast<std::size_t>(y.shape().size()) * sizeof(float));
  out.values = std::move(*values);
  return out;
}
inline result<run_output> output_of(code& run, const plan& p, const tensor<code>& y) {
  if (!finished(run, p, y)) return run.error();
  run_output out;
  out.shape = y.shape();
  out.params = p.params(y.site());
  auto values = buffer<float>::make(y.shape().size());
  auto codes = buffer<std::uint8_t>::make(y.shape().size());
  if (!values) return values.error();
  if (!codes) return codes.error();
  if (y.shape().size() > 0) std::memcpy(codes->data(), y.data(), static_cast<std::size_t>(y.shape().size()));
  kernels::dequantize_u8(*codes, out.params.scale, out.params.zero_point, values->data());
  out.values = std::move(*values);
  out.codes = std::move(*codes);
  return out;
}

}  // namespace detail

template <class Net>
result<run_output> plan::try_run(const Net& net, const batch& x, const run_options& options) const {
  if (activations_ == activation_scales::dynamic) {
    dynamic run(*this, options);
    return detail::output_of(run, *this, net(input(run, x)));
  }
  code run(*this, options);
  return detail::output_of(run, *this, net(input(run, x)));
}

template <class Net>
result<run_output> plan::try_run_real(const Net& net, const batch& x, const run_options& options) const {
  real run(options, &sites_);
  return detail::output_of(run, *this, net(input(run, x)));
}

template <class Net>
result<run_output> plan::try_simulate(const Net& net, const batch& x, const site_mask& on, std::span<site_loss> loss,
                                      const run_options& options) const {
  simulated run(*this, on, loss, options);
  return detail::output_of(run, *this, net(input(run, x)));
}

}  // namespace dyadic::inline DYADIC_ABI
