// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Everything of this room. It is apart from dyadic.hpp, so that programs which only quantize do not wait for it.
#pragma once

#include <dyadic/trust/agreement.hpp>
#include <dyadic/trust/audited.hpp>
#include <dyadic/trust/bound_search.hpp>
#include <dyadic/trust/cusum.hpp>
#include <dyadic/trust/explain.hpp>
#include <dyadic/trust/faithfulness.hpp>
#include <dyadic/trust/integrated_gradients.hpp>
#include <dyadic/trust/layer_error.hpp>
#include <dyadic/trust/monitored.hpp>
#include <dyadic/trust/network_divergence.hpp>
#include <dyadic/trust/overflow.hpp>
#include <dyadic/trust/recalibrate.hpp>
#include <dyadic/trust/remedy.hpp>
#include <dyadic/trust/robustness.hpp>
