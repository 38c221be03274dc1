// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What most programs need: schemes, calibration, uniform codes, integer operators, networks. Apart, for the sake of
// compile time: calibrate/calibrate.hpp, every observer and range search; quantize/formats.hpp, block formats, codebooks
// and other people's operators; trust/trust.hpp, what explains and certifies; core/thread_pool.hpp.
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
