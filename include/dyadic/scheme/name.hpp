// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// scheme_name: a scheme in words, such as "s4 per group of 32, symmetric" or "u8 per tensor, asymmetric".
#pragma once

#include <dyadic/scheme/scheme.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Text of its own, so that naming a scheme allocates nothing.
struct scheme_text {
  char text[64] = {};
  constexpr const char* c_str() const noexcept { return text; }
};

/// Any scheme, valid or not.
constexpr scheme_text scheme_name(const scheme& s) noexcept {
  scheme_text name;
  detail::text_writer out(name.text, sizeof name.text);
  out.put(s.is_signed ? 's' : 'u');
  out.put(s.bits);
  switch (s.per) {
    case granularity::per_tensor: out.put(" per tensor"); break;
    case granularity::per_row: out.put(" per row"); break;
    case granularity::per_group:
      out.put(" per group of ");
      out.put(s.group);
      break;
  }
  out.put(s.asymmetric() ? ", asymmetric" : ", symmetric");
  if (s.narrow_range) out.put(", narrow");
  return name;
}

}  // namespace dyadic::inline DYADIC_ABI
