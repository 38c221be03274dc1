// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// oneDNN 2.x by its C++ interface. Threads are OpenMP's: one, by OMP_NUM_THREADS (environment.hpp).
#include "peers/onednn.hpp"

#include <dnnl.hpp>

#include <cmath>
#include <memory>
#include <unordered_map>
#include <vector>

namespace peers::onednn {

namespace {

using dnnl::memory;
using type = memory::data_type;
using tag = memory::format_tag;

struct state {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  std::vector<std::int32_t> bias_codes;
  std::vector<float> bias_reals;
};

type type_of(output to) { return to == output::s32 ? type::s32 : to == output::f32 ? type::f32 : type::u8; }

memory borrowed(const memory::desc& d, const dnnl::engine& e, const void* data) {
  return memory(d, e, const_cast<void*>(data));
}

}  // namespace

product prepare(const codes_problem& p, output to) {
  auto own = std::make_shared<state>();
  const memory::desc x({p.m, p.k}, type::u8, tag::ab), y({p.m, p.n}, type_of(to), tag::ab);
  const memory::desc any_w({p.k, p.n}, type::s8, tag::any), given_w({p.k, p.n}, type::s8, tag::ba);
  const memory::desc bias =
      to == output::s32 ? memory::desc() : memory::desc({1, p.n}, to == output::u8 ? type::s32 : type::f32, tag::ab);
  dnnl::primitive_attr attributes;
  attributes.set_zero_points(DNNL_ARG_SRC, 0, {p.x_zero_point});
  if (to != output::s32) {
    // y = scale * (sum + bias) + zero point: the bias comes before the scale, in units of the sum.
    std::vector<float> scales;
    for (std::ptrdiff_t j = 0; j < p.n; ++j) {
      const float unit = p.x_scale * p.w_scales[j];
      scales.push_back(to == output::u8 ? unit / p.y_scale : unit);
      own->bias_codes.push_back(static_cast<std::int32_t>(std::nearbyint(bias_in_sums(p, j))));
      own->bias_reals.push_back(static_cast<float>(bias_in_sums(p, j)));
    }
    attributes.set_output_scales(1 << 1, scales);
  }
  if (to == output::u8) attributes.set_zero_points(DNNL_ARG_DST, 0, {p.y_zero_point});
  const auto wanted = to == output::s32 ? dnnl::matmul::desc(x, any_w, y) : dnnl::matmul::desc(x, any_w, bias, y);
  const dnnl::matmul::primitive_desc made(wanted, attributes, own->engine);
  own->primitive = dnnl::matmul(made);

  const memory w(made.weights_desc(), own->engine);
  const memory given = borrowed(given_w, own->engine, p.w);
  dnnl::reorder(given, w).execute(own->stream, {{DNNL_ARG_FROM, given}, {DNNL_ARG_TO, w}});
  const memory out(y, own->engine);
  own->arguments = {{DNNL_ARG_SRC, borrowed(x, own->engine, p.x)}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, out}};
  if (to == output::u8) own->arguments.emplace(DNNL_ARG_BIAS, borrowed(bias, own->engine, own->bias_codes.data()));
  if (to == output::f32) own->arguments.emplace(DNNL_ARG_BIAS, borrowed(bias, own->engine, own->bias_reals.data()));
  own->stream.wait();

  const auto run = [own](long calls) {
    for (; calls > 0; --calls) own->primitive.execute(own->stream, own->arguments);
    own->stream.wait();
  };
  const void* data = out.get_data_handle();
  return {run, [own, data, to](std::ptrdiff_t at) {
            return to == output::s32   ? static_cast<double>(static_cast<const std::int32_t*>(data)[at])
                   : to == output::f32 ? static_cast<double>(static_cast<const float*>(data)[at])
                                       : static_cast<double>(static_cast<const std::uint8_t*>(data)[at]);
          }};
}

product reorder(const std::int8_t* w, std::ptrdiff_t n, std::ptrdiff_t k, sums with_sums) {
  auto own = std::make_shared<state>();
  constexpr memory::dim rows = 128;
  const memory::desc any_w({k, n}, type::s8, tag::any), given_w({k, n}, type::s8, tag::ba);
  dnnl::primitive_attr attributes;
  if (with_sums == sums::found) attributes.set_zero_points(DNNL_ARG_SRC, 0, {128});
  const dnnl::matmul::desc wanted(memory::desc({rows, k}, type::u8, tag::ab), any_w,
                                  memory::desc({rows, n}, type::u8, tag::ab));
  const dnnl::matmul::primitive_desc made(wanted, attributes, own->engine);
  const memory from = borrowed(given_w, own->engine, w), to(made.weights_desc(), own->engine);
  own->primitive = dnnl::reorder(from, to);
  own->arguments = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  const auto run = [own](long calls) {
    for (; calls > 0; --calls) own->primitive.execute(own->stream, own->arguments);
    own->stream.wait();
  };
  return {run, [](std::ptrdiff_t) { return 0.0; }};
}

}  // namespace peers::onednn
