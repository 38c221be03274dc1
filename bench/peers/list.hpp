// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The peers that were found when this was built, on the same shapes and the same data as the library's own products.
#pragma once

#include <memory>

#include "harness/problem.hpp"
#include "peers/peer.hpp"

namespace peers {

/// One product in the two forms peers take, each made when it is first asked for.
class problem {
 public:
  explicit problem(const harness::shape& s) : s_(s) {}
  const harness::shape& shape() const { return s_; }
  codes_problem codes();
  reals_problem reals();

 private:
  harness::shape s_;
  dyadic::quantized<dyadic::u8_per_tensor> x_;
  dyadic::quantized<dyadic::s8_per_row> w_;
  std::vector<float> bias_, real_x_, real_w_;
};

/// One line of the table: a peer's product of one kind. Exactly one of the functions is set.
struct peer {
  const char* name;
  const char* types;  ///< of x, w and y
  product (*of_codes)(const codes_problem&) = nullptr;
  product (*of_reals)(const reals_problem&) = nullptr;
  output to = output::f32;
};

std::span<const peer> all();

/// The product made ready and looked at. A peer that refuses says so in the fault.
harness::prepared prepare(const peer& one, const std::shared_ptr<problem>& p);

/// A peer's packing of (n, k) 8-bit weights into memory that is there.
struct packer {
  const char* name;
  const char* scheme;
  product (*prepare)(const std::int8_t* w, std::ptrdiff_t n, std::ptrdiff_t k);
};
std::span<const packer> packers();
harness::prepared prepare(const packer& one, harness::index_t n, harness::index_t k);

}  // namespace peers
