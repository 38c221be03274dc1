// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All of calibrate/: every observer, every range search, saved states as bytes and as text. dyadic.hpp has those most
// programs need.
#pragma once

#include <dyadic/calibrate/clip_formula.hpp>
#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/calibrate/mean_min_max.hpp>
#include <dyadic/calibrate/mean_quantile.hpp>
#include <dyadic/calibrate/min_max.hpp>
#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/per_row.hpp>
#include <dyadic/calibrate/range_choice.hpp>
#include <dyadic/calibrate/range_entropy_onnxruntime.hpp>
#include <dyadic/calibrate/range_entropy_tensorrt.hpp>
#include <dyadic/calibrate/range_mse.hpp>
#include <dyadic/calibrate/range_mse_pytorch.hpp>
#include <dyadic/calibrate/range_octav.hpp>
#include <dyadic/calibrate/range_percentile.hpp>
#include <dyadic/calibrate/state_text.hpp>
#include <dyadic/calibrate/uniform_histogram.hpp>
