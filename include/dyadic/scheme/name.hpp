// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// scheme_name: a scheme in words, such as "s4 per group of 32, symmetric" or "u8 per tensor, asymmetric".
#pragma once

#include <dyadic/scheme/scheme.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Text of its own, so that naming a scheme allocates nothing.
struct scheme_text {
  char text[64] = {};
  const char* c_str() const noexcept { return text; }
};

/// Any scheme, valid or not.
inline scheme_text scheme_name(const scheme& s) noexcept {
  const char sign = s.is_signed ? 's' : 'u';
  const char* rest = s.asymmetric() ? ", asymmetric" : ", symmetric";
  const char* narrow = s.narrow_range ? ", narrow" : "";
  scheme_text name;
  if (s.per == granularity::per_group) {
    __builtin_snprintf(name.text, sizeof name.text, "%c%d per group of %d%s%s", sign, s.bits, s.group, rest, narrow);
  } else {
    const char* per = s.per == granularity::per_row ? "row" : s.per == granularity::per_column ? "column" : "tensor";
    __builtin_snprintf(name.text, sizeof name.text, "%c%d per %s%s%s", sign, s.bits, per, rest, narrow);
  }
  return name;
}

}  // namespace dyadic::inline DYADIC_ABI
