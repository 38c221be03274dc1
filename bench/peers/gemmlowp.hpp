// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gemmlowp's product of unsigned codes with its fixed-point pipeline, compiled in a file of its own for this machine.
#pragma once

#include "peers/peer.hpp"

namespace peers::gemmlowp {

/// Output u8 only; the weights are moved to unsigned codes with zero point 128, as gemmlowp takes them.
product prepare(const codes_problem& p);

}  // namespace peers::gemmlowp
