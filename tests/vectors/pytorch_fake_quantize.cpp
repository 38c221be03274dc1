// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PyTorch 1.13.1's MinMaxObserver, quantize_per_tensor, quantize_per_channel, fake_quantize and learnable
// fake_quantize, forward and backward; the vectors and how they were made are in tests/data/pytorch_fake_quantize.*.
#include <gtest/gtest.h>

#include <cstdio>

#include <dyadic/quantize/fake_quantize.hpp>
#include <dyadic/quantize/fake_quantize_gradient.hpp>

#include "support/vectors.hpp"

namespace pytorch_fake_quantize_test {

using namespace dyadic;
using support::vector_case;

using Floats = std::vector<float>;
using Ints = std::vector<std::int32_t>;

constexpr scheme tensor_of(int bits, bool is_signed) {
  return {.bits = bits, .is_signed = is_signed, .sym = symmetry::asymmetric};
}

class PytorchFakeQuantize : public testing::Test {
 protected:
  void SetUp() override {
    all = support::load_repo_vectors("pytorch_fake_quantize");
    ASSERT_FALSE(all.empty()) << "tests/data/pytorch_fake_quantize.idx is part of the repository";
  }

  /// Calls f.operator()<S>(name, case) for every case whose name begins with `prefix`, S its codes at granularity g.
  template <granularity G, class F>
  void for_each(const std::string& prefix, F f) {
    int cases = 0;
    for (const auto& [name, c] : all) {
      if (name.compare(0, prefix.size(), prefix) != 0 ||
          name.find_first_not_of("0123456789", prefix.size()) != name.npos)
        continue;
      SCOPED_TRACE(name);
      const std::string& codes = c.attributes.at("codes");
      ++cases;
      if (codes == "s8") f.template operator()<tensor_of(8, true).with(G)>(c);
      if (codes == "u8") f.template operator()<tensor_of(8, false).with(G)>(c);
      if (codes == "s4") f.template operator()<tensor_of(4, true).with(G)>(c);
      if (codes == "u7") f.template operator()<tensor_of(7, false).with(G)>(c);
    }
    EXPECT_GT(cases, 1);
  }

  /// Counts and expects equality. NaN equals NaN, and 0 equals -0: PyTorch masks by multiplying.
  void compare(const std::string& what, const Floats& ours, const Floats& theirs) {
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t e = 0; e < ours.size(); ++e) {
      const bool same = ours[e] == theirs[e] || (ours[e] != ours[e] && theirs[e] != theirs[e]);
      count(what, same);
      EXPECT_TRUE(same) << what << ' ' << e << ": " << ours[e] << ", PyTorch has " << theirs[e];
    }
  }
  void count(const std::string& what, bool same) {
    ++tallies[what].first;
    tallies[what].second += same ? 1 : 0;
  }
  void TearDown() override {
    for (const auto& [what, n] : tallies)
      std::printf("[vectors] %s pytorch: tried %d, equal %d\n", what.c_str(), n.first, n.second);
  }

  support::vector_cases all;
  std::map<std::string, std::pair<int, int>> tallies;
};

/// x of a case as a matrix: its rows, or one row.
strided<const float> matrix(const support::tensor& t, const Floats& x) {
  const index_t rows = t.shape.size() == 2 ? t.shape[0] : 1;
  return {x.data(), rows, rows == 0 ? 0 : t.count() / rows};
}
strided<float> matrix(const strided<const float>& like, Floats& x) { return {x.data(), like.rows(), like.cols()}; }

template <scheme S>
params<S> params_of(const vector_case& c) {
  return params<S>(c["scale"].as<float>(), c["zero"].as<std::int32_t>());
}

TEST_F(PytorchFakeQuantize, Quantize) {
  const auto check = [&]<scheme S>(const vector_case& c) {
    const Floats x = c["x"].as<float>();
    const auto view = matrix(c["x"], x);
    const Ints y = c["y"].integers(x.size());
    const auto q = quantize<S, pytorch_profile>(view, params_of<S>(c));
    Floats real(x.size());
    dequantize(q, matrix(view, real));
    const std::string what = S.per == granularity::per_tensor ? "quantize_per_tensor" : "quantize_per_channel";
    for (index_t i = 0; i < view.rows(); ++i)
      for (index_t j = 0; j < view.cols(); ++j) {
        const bool same = q.code(i, j) == y[static_cast<std::size_t>(i * view.cols() + j)];
        count(what, same);
        EXPECT_TRUE(same) << i << ' ' << j << ' ' << view(i, j);
      }
    compare("dequantize", real, c["real"].as<float>());
  };
  for_each<granularity::per_tensor>("quantize_tensor_", check);
  for_each<granularity::per_row>("quantize_row_", check);
}

/// PyTorch casts to int64 before it clamps. Where nothing overflows (2^40, here as there) the codes are equal; NaN, the
/// infinities and 1e30 become INT64_MIN on x86, hence qmin, which for +infinity and +1e30 is the wrong end. Here NaN is
/// the zero point, and what is far saturates where it is.
TEST_F(PytorchFakeQuantize, DiffersWhereACastOverflows) {
  for_each<granularity::per_tensor>("quantize_far_", [&]<scheme S>(const vector_case& c) {
    const Floats x = c["x"].as<float>();
    const Ints theirs = c["y"].integers(x.size());
    EXPECT_EQ(theirs, (Ints{S.qmin(), S.qmin(), S.qmin(), S.qmin(), S.qmin(), S.qmax(), S.qmin()}));
    const auto q = quantize<S, pytorch_profile>(matrix(c["x"], x), params_of<S>(c));
    Ints ours;
    for (index_t j = 0; j < q.cols(); ++j) ours.push_back(q.code(0, j));
    EXPECT_EQ(ours, (Ints{3, S.qmax(), S.qmin(), S.qmax(), S.qmin(), S.qmax(), S.qmin()}));
  });
}

TEST_F(PytorchFakeQuantize, ForwardAndBackward) {
  const auto check = [&]<scheme S>(const vector_case& c) {
    const Floats x = c["x"].as<float>(), dy = c["dy"].as<float>();
    const auto view = matrix(c["x"], x);
    const params<S> p = params_of<S>(c);
    Floats y(x.size()), dx(x.size());
    fake_quantize<S, pytorch_profile>(view, p, matrix(view, y));
    fake_quantize_backward<S>(matrix(c["x"], dy), view, p, matrix(view, dx));
    const std::string per = S.per == granularity::per_tensor ? "per_tensor" : "per_channel";
    compare("fake_quantize_" + per, y, c["y"].as<float>());
    compare("fake_quantize_" + per + " backward", dx, c["dx"].as<float>());
  };
  for_each<granularity::per_tensor>("fake_tensor_", check);
  for_each<granularity::per_row>("fake_row_", check);
}

/// The zero point of the forward pass: rounded half to even and clamped, per tensor and per row.
template <scheme S>
Ints forward_zeros(const Floats& zeros) {
  Ints all;
  for (const float z : zeros) all.push_back(learnable_zero_point(granularity::per_row, z, S.qmin(), S.qmax()));
  return all;
}

TEST_F(PytorchFakeQuantize, Learnable) {
  const auto check = [&]<scheme S>(const vector_case& c) {
    const Floats x = c["x"].as<float>(), dy = c["dy"].as<float>(), scales = c["scale"].as<float>(),
                 zeros = c["zero"].as<float>();
    const auto view = matrix(c["x"], x);
    const std::string per = S.per == granularity::per_tensor ? "per_tensor" : "per_channel";
    Floats y(x.size()), dx(x.size()), ds(scales.size()), dz(scales.size());
    fake_quantize<S, pytorch_profile>(view, params<S>(scales, forward_zeros<S>(zeros)), matrix(view, y));
    fake_quantize_learnable_backward<S>(matrix(c["x"], dy), view, {scales, zeros, std::stof(c.attributes.at("factor"))},
                                        matrix(view, dx), ds, dz);
    compare("learnable_" + per, y, c["y"].as<float>());
    compare("learnable_" + per + " d x", dx, c["dx"].as<float>());
    compare("learnable_" + per + " d scale", ds, c["ds"].as<float>());
    compare("learnable_" + per + " d zero_point", dz, c["dz"].as<float>());
  };
  for_each<granularity::per_tensor>("learnable_tensor_", check);
  for_each<granularity::per_row>("learnable_row_", check);
  for_each<granularity::per_row>("learnable_row_single_", check);
}

/// One number a call: what PyTorch computed for each of them alone.
TEST_F(PytorchFakeQuantize, LearnablePerTensorOfSingleNumbers) {
  for_each<granularity::per_tensor>("learnable_tensor_single_", [&]<scheme S>(const vector_case& c) {
    const Floats x = c["x"].as<float>(), dy = c["dy"].as<float>(), scale = c["scale"].as<float>(),
                 zero = c["zero"].as<float>();
    const params<S> p(scale, forward_zeros<S>(zero));
    Floats y(x.size()), dx(x.size()), ds(x.size()), dz(x.size());
    for (std::size_t e = 0; e < x.size(); ++e) {
      const strided<const float> one(&x[e], 1, 1);
      fake_quantize<S, pytorch_profile>(one, p, strided<float>(&y[e], 1, 1));
      fake_quantize_learnable_backward<S>(strided<const float>(&dy[e], 1, 1), one,
                                          {scale, zero, std::stof(c.attributes.at("factor"))},
                                          strided<float>(&dx[e], 1, 1), std::span(&ds[e], 1), std::span(&dz[e], 1));
    }
    compare("learnable_per_tensor", y, c["y"].as<float>());
    compare("learnable_per_tensor d x", dx, c["dx"].as<float>());
    compare("learnable_per_tensor d scale", ds, c["ds"].as<float>());
    compare("learnable_per_tensor d zero_point", dz, c["dz"].as<float>());
  });
}

TEST_F(PytorchFakeQuantize, ScaleAndZeroPointOfMinMaxObserver) {
  int cases = 0;
  for (const auto& [name, c] : all) {
    if (name.find("choose_") != 0) continue;
    SCOPED_TRACE(name);
    ++cases;
    const bool affine = name.find("affine") != name.npos;
    const scheme s{.bits = 8,
                   .is_signed = name.find("_qint8") != name.npos,
                   .sym = affine ? symmetry::asymmetric : symmetry::symmetric};
    const code_range codes = name.back() == '1' ? pytorch_reduced_codes(s) : codes_of(s);
    const Floats lo = c["lo"].as<float>(), hi = c["hi"].as<float>(), scale = c["scale"].as<float>();
    const Ints zero = c["zero"].as<std::int32_t>();
    for (std::size_t e = 0; e < lo.size(); ++e) {
      const range r{std::min(lo[e], hi[e]), std::max(lo[e], hi[e])};
      const chosen ours = choose(s, pytorch_profile, codes, r);
      const bool same = ours.scale == scale.at(e) && ours.zero_point == zero.at(e);
      count("choose", same);
      EXPECT_TRUE(same) << r.lo << ' ' << r.hi << ": " << ours.scale << ' ' << ours.zero_point << ", PyTorch has "
                        << scale.at(e) << ' ' << zero.at(e);
      // A scheme of 7 bits has the same params; its codes saturate where fake quantization's do.
      if (codes == codes_of(s)) continue;
      scheme seven = s;
      seven.bits = 7;
      EXPECT_EQ(choose(seven, pytorch_profile, r), ours);
    }
  }
  EXPECT_EQ(cases, 7);
}

}  // namespace pytorch_fake_quantize_test
