// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain monitored: the domain code with a monitor that looks on. The same bits, by construction: every operation
// is that of code, and its result is only read.
//
//   dyadic::monitor m(plan);                                     // one a thread
//   const auto y = dyadic::run_monitored(plan, net, x, m);       // what plan.run(net, x) returns
#pragma once

#include <dyadic/network/calibrate.hpp>
#include <dyadic/trust/monitor.hpp>

namespace dyadic::inline DYADIC_ABI {

class monitored;

/// A tensor of codes that knows it is looked at.
template <>
class tensor<monitored> : public tensor<code> {
 public:
  explicit tensor(tensor<code> codes) noexcept : tensor<code>(std::move(codes)) {}

  inline monitored& run() const noexcept;
  // Not inlined: g++ 12 loses count of the users of a tensor's memory here and warns of a use after free.
  [[gnu::noinline]] tensor reshaped(const image_shape& shape) const noexcept {
    return tensor(tensor<code>::reshaped(shape));
  }
  tensor at_site(int site) const noexcept { return tensor(tensor<code>::at_site(site)); }
};

class monitored : public code {
 public:
  /// A monitor of another plan fails the run.
  monitored(const dyadic::plan& p, monitor& m, const run_options& options) noexcept : code(p, options), monitor_(m) {
    if (!m.fits(p))
      fail(failure(errc::wrong_site, "monitor: made for {} sites with other params, the plan has {} sites",
                   static_cast<index_t>(m.place_of_.size()), static_cast<index_t>(p.sites().size())));
  }

  /// What an operation of the domain code made, counted.
  tensor<monitored> seen(tensor<code> y) noexcept {
    if (ok() && !y.empty()) monitor_.look(y.site(), y.elements(), y.shape().images);
    return tensor<monitored>(std::move(y));
  }
  /// The end of a run that went well: y is what the network returned.
  void finish(const tensor<code>& y) noexcept { monitor_.finish(y.elements(), y.shape().images); }

 private:
  monitor& monitor_;
};

inline monitored& tensor<monitored>::run() const noexcept { return static_cast<monitored&>(tensor<code>::run()); }

inline tensor<monitored> input(monitored& run, const batch& x) { return run.seen(input(static_cast<code&>(run), x)); }

/// Any operation that the domain code has, of one tensor or of several.
template <class Operation, std::same_as<tensor<monitored>>... Tensors>
tensor<monitored> apply(monitored& run, const Operation& operation, const Tensors&... x) {
  return run.seen(apply(static_cast<code&>(run), operation, static_cast<const tensor<code>&>(x)...));
}

/// plan.try_run(net, x, options), looked at by m. A run that fails leaves m with what it counted until then.
template <class Net>
result<run_output> try_run_monitored(const plan& p, const Net& net, const batch& x, monitor& m,
                                     const run_options& options = {}) {
  monitored run(p, m, options);
  const tensor<monitored> y = net(input(run, x));
  auto out = detail::output_of(static_cast<code&>(run), p, static_cast<const tensor<code>&>(y));
  if (out) run.finish(y);
  return out;
}

#if DYADIC_EXCEPTIONS
/// \throws what plan::run throws; std::invalid_argument for a monitor of another plan.
template <class Net>
run_output run_monitored(const plan& p, const Net& net, const batch& x, monitor& m, const run_options& options = {}) {
  return try_run_monitored(p, net, x, m, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
