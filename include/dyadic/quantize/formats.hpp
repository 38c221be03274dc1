// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All of quantize/ beyond uniform codes with a scale: block formats, codebooks, small floats; other people's operators;
// stochastic rounding.
#pragma once

#include <dyadic/fixed_point/int2.hpp>
#include <dyadic/fixed_point/qformat.hpp>
#include <dyadic/quantize/blocks.hpp>
#include <dyadic/quantize/fake_quantize_gradient.hpp>
#include <dyadic/quantize/fake_quantize_levels.hpp>
#include <dyadic/quantize/lloyd_max.hpp>
#include <dyadic/quantize/packing.hpp>
#include <dyadic/quantize/stochastic.hpp>
#include <dyadic/scheme/fake_quantize_range.hpp>
