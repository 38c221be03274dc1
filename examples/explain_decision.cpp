// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Why did the network answer that, and does the quantized one have the same reasons? Shapley values of 4 x 4 patches of
// an image, asked of the integer function itself; integrated gradients of the float network as its surrogate; and the
// float, INT8 and INT4 explanations beside each other, above the noise floor of the float one.
#include <cstdio>

#include <dyadic/network/adjoint.hpp>
#include <dyadic/trust/explain.hpp>
#include <dyadic/trust/faithfulness.hpp>
#include <dyadic/trust/integrated_gradients.hpp>

#include "support/demo_network.hpp"

int main() {
  const classifier net = load_classifier();
  const images sample = bundled_images("train"), test = bundled_images("t10k");
  const auto int8 = dyadic::calibrate(net, sample.batches());
  const auto int4 = dyadic::calibrate(net, sample.batches(),
                                      {.weights = dyadic::u4_per_group<32>, .except = {{"conv1", dyadic::s8_per_row}}});

  const auto as_real = [&](const dyadic::batch& x) { return int8.try_run_real(net, x); };
  const auto as_int8 = [&](const dyadic::batch& x) { return int8.try_run(net, x); };
  const auto as_int4 = [&](const dyadic::batch& x) { return int4.try_run(net, x); };
  const auto slope = [&](const dyadic::batch& x, dyadic::strided<const float> weights,
                         dyadic::strided<float> gradient) {
    return dyadic::try_input_gradient(net, x, weights, gradient);
  };

  const std::vector<float> black(pixels, 0.0f);
  const auto patches = dyadic::patches_of({1, side, side, 1}, {4, 4});
  const dyadic::shapley_options orders{.orders = 16};
  constexpr dyadic::index_t image = 3, top = 10;
  const dyadic::batch x{{test.values.data() + image * pixels, 1, pixels}, {side, side}, 1};
  const auto answer = dyadic::top_class(int8.run_real(net, x), 0);
  const dyadic::question why{.x = x, .baseline = black, .parts = patches, .target = answer};

  const auto of_real = dyadic::explain_by_shapley(as_real, why, orders);
  const auto of_int8 = dyadic::explain_by_shapley(as_int8, why, orders);
  const auto of_int4 = dyadic::explain_by_shapley(as_int4, why, orders);
  std::printf("Image %td is a %d, the answer is %d. INT8: its score is code %+td above a black image's.\n", image,
              test.labels[image], answer, static_cast<std::ptrdiff_t>(of_int8.code_change));
  std::printf("What each patch contributes to that, in codes (%td orders, largest standard error %.1f):\n\n",
              of_int8.orders,
              *std::max_element(of_int8.standard_errors.begin(), of_int8.standard_errors.end()) /
                  static_cast<double>(int8.params(int8.result_site()).scale));
  for (std::size_t p = 0; p < of_int8.code_sums.size(); ++p)
    std::printf("%7.1f%s", static_cast<double>(of_int8.code_sums[p]) / static_cast<double>(of_int8.orders),
                p % 7 == 6 ? "\n" : "");

  const auto line = dyadic::explain_by_gradients(as_real, slope, why),
             surrogate = dyadic::explain_by_gradients(as_int8, slope, why);
  std::printf("\n%-40s %10s %10s  %s\n", "", "to explain", "explained", "gap");
  const auto show = [](const char* name, const dyadic::explanation& e) {
    std::printf("%-40s %10.4f %10.4f  %.2g %%%s\n", name, e.change(), e.total(), 100 * e.relative_gap(),
                e.complete_in_codes() ? ", exact in whole codes" : "");
  };
  show("Shapley, float", of_real);
  show("Shapley, INT8", of_int8);
  show("Shapley, INT4 weights", of_int4);
  show("occlusion, INT8", dyadic::explain_by_occlusion(as_int8, why));
  show("integrated gradients, float", line);
  show("integrated gradients of float, for INT8", surrogate);

  const auto noise = dyadic::noise_floor_of(
      [&](const dyadic::batch& moved) {
        dyadic::question q = why;
        q.x = moved;
        return dyadic::try_explain_by_shapley(as_real, q, orders);
      },
      x, {.radius = 0.02f, .repeats = 6, .top = top});
  std::printf("\n%-40s %9s %9s %9s %10s\n", "beside the float explanation", "Spearman", "Kendall", "top 10",
              "same sign");
  const auto beside = [](const char* name, const dyadic::explanation_match& m) {
    std::printf("%-40s %9.3f %9.3f %7.0f %% %8.0f %%\n", name, m.spearman, m.kendall, 100 * m.top.shared,
                100 * m.top.same_sign);
  };
  beside("float, input moved by up to 0.02: mean", noise.mean);
  beside("float, input moved by up to 0.02: lowest", noise.lowest);
  const auto with_int8 = dyadic::compare_explanations(of_real.values, of_int8.values, top);
  beside("INT8", with_int8);
  beside("INT4 weights", dyadic::compare_explanations(of_real.values, of_int4.values, top));
  std::printf("%-40s %9.3f %9.3f %7.0f %%\n", "chance", 0.0, 0.0, 100 * with_int8.top.by_chance);
}
