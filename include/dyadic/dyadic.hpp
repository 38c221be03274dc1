// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Everything that needs nothing but the standard library. Threads are apart, core/thread_pool.hpp, and so is what
// explains and certifies, trust/trust.hpp.
#pragma once

#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/calibrate/min_max.hpp>
#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/per_row.hpp>
#include <dyadic/calibrate/range_choice.hpp>
#include <dyadic/core/version.hpp>
#include <dyadic/fixed_point/half.hpp>
#include <dyadic/fixed_point/multiplier.hpp>
#include <dyadic/kernels/convolution.hpp>
#include <dyadic/kernels/elementwise.hpp>
#include <dyadic/kernels/gemm_batch.hpp>
#include <dyadic/network/calibrate.hpp>
#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/fake_quantize.hpp>
#include <dyadic/quantize/quantize.hpp>
#include <dyadic/quantize/requantize.hpp>
#include <dyadic/scheme/visit.hpp>
