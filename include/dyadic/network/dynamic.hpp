// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain dynamic: floats between operations, integers inside the layers, each image quantized by its own range.
//
// One scale an image, never one a batch: what an image becomes does not depend on which images travel with it.
#pragma once

#include <dyadic/network/plan.hpp>

namespace dyadic::inline DYADIC_ABI {

class dynamic : public float_run {
 public:
  dynamic(const plan& p, const run_options& options) noexcept : float_run(options, &p.sites()), plan_(p) {}
  const dyadic::plan& plan() const noexcept { return plan_; }

  bool relu_follows(int s) const noexcept { return plan_.sites()[static_cast<std::size_t>(s)].relu >= 0; }
  bool relu_done(int s) const noexcept { return plan_.sites()[static_cast<std::size_t>(s)].done_before; }

 private:
  const dyadic::plan& plan_;
};

template <weighted_layer Layer>
tensor<dynamic> apply(dynamic& run, const Layer& layer, const tensor<dynamic>& x) {
  const image_shape shape = shape_after(run, layer, x);
  const int s = run.next(kind_of(layer), shape, x.site());
  tensor<dynamic> y = make_tensor(run, shape, s);
  const index_t images = x.shape().images, features = x.shape().features();
  // Codes of all images, then their scales, then their zero points.
  const index_t params_at = round_up(images * features, 64);
  const memory_block memory = run.ok() ? run.memory().take(params_at + images * 8 + 1) : memory_block();
  if (run.ok() && memory.empty())
    run.fail(failure(errc::out_of_memory, "network: no memory for {} codes", images * features));
  if (!run.ok()) return y;
  std::uint8_t* codes = memory.data();
  auto* scales = reinterpret_cast<float*>(codes + params_at);
  auto* zero_points = reinterpret_cast<std::int32_t*>(codes + params_at + 4 * images);
  run.for_images(images, [&](index_t first, index_t n) {
    for (index_t i = first; i < first + n; ++i) {
      const auto m = kernels::quantize_dynamic_u8({x.data() + i * features, static_cast<std::size_t>(features)},
                                                  codes + i * features);
      scales[i] = m.params.scale;
      zero_points[i] = m.params.zero_point;
    }
  });
  const std::span<const float> all_scales(scales, static_cast<std::size_t>(images));
  const std::span<const std::int32_t> all_zeros(zero_points, static_cast<std::size_t>(images));
  const site_weights& w = *run.plan().weights(s);
  const epilogue::bounded_reals out{layer.weights().bias(), run.relu_follows(s) ? 0.0f : -epilogue::infinity};
  if constexpr (std::same_as<Layer, conv2d>) {
    run.check_at(s, try_conv2d(image_codes{codes, x.shape(), all_scales, all_zeros}, layer.taps(), w.packed, out,
                               y.pixels(), run.options()));
  } else {
    const quantized_view<u8_per_row> rows{codes, images, features, features, all_scales, all_zeros};
    run.check_at(s, try_gemm(rows, w.packed.parts[0], out, y.matrix(), run.options()));
  }
  return y;
}

}  // namespace dyadic::inline DYADIC_ABI
