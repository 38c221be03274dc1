// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The schemes that products are tried with: every named one, and those between that the kernels also promise.
#pragma once

#include <dyadic/scheme/visit.hpp>

namespace product {

using dyadic::granularity;
using dyadic::scheme;
using dyadic::symmetry;

// Activations: the named ones; unsigned with the zero point in the middle; fewer bits, one code a byte.
inline constexpr scheme u8_symmetric{.is_signed = false};
inline constexpr scheme u7_symmetric{.bits = 7, .is_signed = false};
inline constexpr scheme u7_asymmetric{.bits = 7, .is_signed = false, .sym = symmetry::asymmetric};
inline constexpr scheme s5_asymmetric{.bits = 5, .sym = symmetry::asymmetric};
inline constexpr scheme u2_asymmetric{.bits = 2, .is_signed = false, .sym = symmetry::asymmetric};

using tried_activations =
    dyadic::scheme_list<dyadic::u8_per_tensor, dyadic::s8_per_tensor, dyadic::s8_asymmetric_per_tensor,
                        dyadic::u8_per_row, dyadic::s8_asymmetric_per_row, u8_symmetric, u7_symmetric, u7_asymmetric,
                        s5_asymmetric, u2_asymmetric>;

// Weights of 8 and 4 bits: a tensor, a row.
inline constexpr scheme s8_whole_per_row{.per = granularity::per_row};  // with -128
inline constexpr scheme u4_symmetric{.bits = 4, .is_signed = false};

// Groups: whole steps of a kernel, half a step, none at all; beginning in the middle of a byte.
inline constexpr scheme u8_group_of_one{
    .is_signed = false, .sym = symmetry::asymmetric, .per = granularity::per_group, .group = 1};

// One code a byte.
inline constexpr scheme s2_rows{.bits = 2, .per = granularity::per_row};
inline constexpr scheme u2_symmetric{.bits = 2, .is_signed = false};
inline constexpr scheme u3_rows{
    .bits = 3, .is_signed = false, .sym = symmetry::asymmetric, .per = granularity::per_row};
inline constexpr scheme s3_groups{.bits = 3, .per = granularity::per_group, .group = 8};
inline constexpr scheme s5_rows{.bits = 5, .per = granularity::per_row};
inline constexpr scheme u5_groups{
    .bits = 5, .is_signed = false, .sym = symmetry::asymmetric, .per = granularity::per_group, .group = 5};
inline constexpr scheme u6_rows{
    .bits = 6, .is_signed = false, .sym = symmetry::asymmetric, .per = granularity::per_row};
inline constexpr scheme s7_rows{.bits = 7, .per = granularity::per_row};

using tried_weights = dyadic::scheme_list<
    dyadic::s8_per_row, dyadic::s8_narrow_per_tensor, s8_whole_per_row, dyadic::s8_asymmetric_per_row,
    dyadic::u8_per_row, u8_symmetric, dyadic::s4_per_row, dyadic::u4_per_row, u4_symmetric, dyadic::s4_per_group<32>,
    dyadic::u4_per_group<32>, dyadic::s8_per_group<32>, dyadic::s4_per_group<128>, dyadic::u4_per_group<64>,
    dyadic::s4_per_group<4>, dyadic::s4_per_group<6>, dyadic::u4_per_group<3>, dyadic::s8_per_group<7>, u8_group_of_one,
    s2_rows, u2_symmetric, u3_rows, s3_groups, s5_rows, u5_groups, u6_rows, s7_rows>;

}  // namespace product
