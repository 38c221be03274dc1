// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every block format.
#pragma once

#include <dyadic/quantize/blocks/fp8.hpp>
#include <dyadic/quantize/blocks/matmul_nbits.hpp>
#include <dyadic/quantize/blocks/mxfp4.hpp>
#include <dyadic/quantize/blocks/mxfp8.hpp>
#include <dyadic/quantize/blocks/mxint8.hpp>
#include <dyadic/quantize/blocks/nf4.hpp>
#include <dyadic/quantize/blocks/nvfp4.hpp>
#include <dyadic/quantize/blocks/q4.hpp>
#include <dyadic/quantize/blocks/q4_0.hpp>
#include <dyadic/quantize/blocks/q4_1.hpp>
#include <dyadic/quantize/blocks/q4_k.hpp>
#include <dyadic/quantize/blocks/q6_k.hpp>
#include <dyadic/quantize/blocks/q8_0.hpp>
