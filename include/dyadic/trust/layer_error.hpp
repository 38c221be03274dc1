// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The error at every site of a network, in one pass over the data.
//
//   const error_record errors = dyadic::measure_error(net, plan, batches);
//   errors.figures(error_of::local, s).sqnr_db;             // what site s does to its own input
//   errors.figures(error_of::accumulated, s, c).mse;        // what has piled up at channel c of site s
//
// The domain compared carries a tensor of the float network and one of the quantized network side by side.
#pragma once

#include <dyadic/network/calibrate.hpp>
#include <dyadic/trust/error_record.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The domain compared: the float network and the quantized one side by side, looked at wherever a tensor is made.
class compared {
 public:
  compared(const dyadic::plan& p, error_record& record, const run_options& options) noexcept
      : plan_(p), record_(record), reference_(options, &p.sites()), result_(p, {}, {}, options) {
    result_.check(record.check(p));
  }
  const dyadic::plan& plan() const noexcept { return plan_; }
  real& reference() noexcept { return reference_; }
  simulated& quantized() noexcept { return result_; }
  bool ok() const noexcept { return reference_.ok() && result_.ok(); }
  const failure& error() const noexcept { return reference_.ok() ? result_.error() : reference_.error(); }

  void look(const tensor<compared>& y) noexcept;
  void look_locally(const tensor<real>& made, const tensor<real>& reference, bool has_weights) noexcept;

 private:
  const dyadic::plan& plan_;
  error_record& record_;
  real reference_;
  simulated result_;
};

/// A tensor of each network.
template <>
class tensor<compared> {
 public:
  tensor(compared& run, tensor<real> reference, tensor<simulated> result) noexcept
      : run_(&run), reference_(std::move(reference)), result_(std::move(result)) {}
  compared& run() const noexcept { return *run_; }
  const image_shape& shape() const noexcept { return reference_.shape(); }
  int site() const noexcept { return reference_.site(); }
  const tensor<real>& reference() const noexcept { return reference_; }
  const tensor<simulated>& quantized() const noexcept { return result_; }
  tensor reshaped(const image_shape& shape) const noexcept {
    return tensor(*run_, reference_.reshaped(shape), result_.reshaped(shape));
  }

 private:
  compared* run_;
  tensor<real> reference_;
  tensor<simulated> result_;
};

/// The accumulated error of what a site made.
inline void compared::look(const tensor<compared>& y) noexcept {
  if (!ok()) return;
  std::vector<error_sums>& sums = record_.sites_[static_cast<std::size_t>(y.site())].accumulated;
  const unclipped_range range(plan_.params(y.site()));
  const default_float_environment environment;
  for (index_t i = 0, c = 0; i < y.shape().size(); ++i, c = c + 1 == y.shape().channels ? 0 : c + 1)
    sums[static_cast<std::size_t>(c)].add(y.reference().data()[i], y.quantized().data()[i], range);
}

/// The local errors of a site whose operation, with its codes as weights, made `made` of floats.
inline void compared::look_locally(const tensor<real>& made, const tensor<real>& reference, bool has_weights) noexcept {
  if (!ok()) return;
  const int s = reference.site();
  site_error_sums& sums = record_.sites_[static_cast<std::size_t>(s)];
  const chosen& p = plan_.params(s);
  const unclipped_range range(p), everything;
  const index_t channels = reference.shape().channels;
  const default_float_environment environment;
  for (index_t i = 0, c = 0; i < reference.shape().size(); ++i, c = c + 1 == channels ? 0 : c + 1) {
    const float r = reference.data()[i], v = made.data()[i];
    sums.local[static_cast<std::size_t>(c)].add(r, result_.quantized(s, v / p.scale), range);
    if (has_weights) sums.weights[static_cast<std::size_t>(c)].add(r, v, everything);
  }
}

inline tensor<compared> input(compared& run, const batch& x) {
  tensor<compared> y(run, input(run.reference(), x), input(run.quantized(), x));
  run.look_locally(y.reference(), y.reference(), false);
  run.look(y);
  return y;
}

template <weighted_layer Layer>
tensor<compared> apply(compared& run, const Layer& layer, const tensor<compared>& x) {
  tensor<compared> y(run, apply(run.reference(), layer, x.reference()), apply(run.quantized(), layer, x.quantized()));
  if (!run.ok()) return y;
  real& on = run.reference();
  const int s = y.site();
  const auto packed = detail::real_weights_of({}, s, layer, *run.plan().weights(s));
  const tensor<real> made = make_tensor(on, y.shape(), s);
  if (on.check_at(s, packed) && on.ok())
    on.check_at(s, product(on, layer, *packed, layer.weights().bias(), on.relu_follows(s), x.reference(), made));
  run.look_locally(made, y.reference(), true);
  run.look(y);
  return y;
}

inline tensor<compared> apply(compared& run, operations::relu what, const tensor<compared>& x) {
  tensor<compared> y(run, apply(run.reference(), what, x.reference()), apply(run.quantized(), what, x.quantized()));
  if (run.ok() && !run.reference().relu_done(y.site())) run.look(y);
  return y;
}

template <pooling_operation Pool>
tensor<compared> apply(compared& run, const Pool& pool, const tensor<compared>& x) {
  tensor<compared> y(run, apply(run.reference(), pool, x.reference()), apply(run.quantized(), pool, x.quantized()));
  run.look(y);
  return y;
}

inline tensor<compared> apply(compared& run, operations::add what, const tensor<compared>& a,
                              const tensor<compared>& b) {
  tensor<compared> y(run, apply(run.reference(), what, a.reference(), b.reference()),
                     apply(run.quantized(), what, a.quantized(), b.quantized()));
  run.look_locally(y.reference(), y.reference(), false);
  run.look(y);
  return y;
}

/// Measures one batch more. The order of the images is the order of the sums: any split of them into batches, and any
/// executor, gives the same bits.
/// \returns errc::invalid_scheme for dynamic activations; errc::wrong_site where net, plan and record do not fit;
///          errc::no_data for a batch of no rows.
template <class Net>
result<void> try_record_error(const Net& net, const plan& p, const batch& x, error_record& to,
                              const run_options& options = {}) {
  if (x.rows.rows() == 0) return failure(errc::no_data, "error: a batch of 0 rows, expected at least 1");
  compared run(p, to, options);
  if (!run.ok()) return run.error();
  const tensor<compared> y = net(input(run, x));
  if (!run.ok()) return run.error();
  if (!detail::finished(run.reference(), p, y.reference())) return run.error();
  return {};
}

/// Measures every batch of a range; at least one.
template <class Net, class Batches>
result<error_record> try_measure_error(const Net& net, const plan& p, Batches&& batches,
                                       const run_options& options = {}) {
  error_record made(p);
  bool any = false;
  for (const batch& x : batches) {
    if (const auto ok = try_record_error(net, p, x, made, options); !ok) return ok.error();
    any = true;
  }
  if (!any) return failure(errc::no_data, "error: 0 batches, expected at least 1");
  return made;
}

#if DYADIC_EXCEPTIONS
template <class Net, class Batches>
error_record measure_error(const Net& net, const plan& p, Batches&& batches, const run_options& options = {}) {
  return try_measure_error(net, p, batches, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
