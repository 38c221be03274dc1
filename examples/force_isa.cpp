// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs two products on every instruction set this machine supports: the speed differs, the bits do not.
//
//   DYADIC_ISA=scalar ./force_isa        the environment chooses where the program does not
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include <Eigen/Core>
#include <dyadic/dyadic.hpp>

namespace {

/// FNV-1a over the bits of y, to see them in one number.
unsigned long long digest(const Eigen::MatrixXf& y) {
  unsigned long long hash = 0xCBF29CE484222325;
  for (Eigen::Index i = 0; i < y.size(); ++i) {
    unsigned bits;
    std::memcpy(&bits, y.data() + i, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8) hash = (hash ^ (bits >> shift & 0xFF)) * 0x100000001B3;
  }
  return hash;
}

template <dyadic::scheme S>
unsigned long long digest_of_product(const Eigen::MatrixXf& x, const Eigen::MatrixXf& w) {
  Eigen::MatrixXf y(x.rows(), w.rows());
  dyadic::gemm(dyadic::quantize<dyadic::u8_per_tensor>(x), dyadic::pack(dyadic::quantize<S>(w)),
               dyadic::epilogue::dequantize{}, y);
  return digest(y);
}

}  // namespace

int main() {
  const char* const wanted = std::getenv("DYADIC_ISA");
  const char* const automatic = dyadic::active_isa();
  std::printf("DYADIC_ISA: %s\nactive:     %s\n\n", wanted != nullptr ? wanted : "not set", automatic);

  std::mt19937 random(1);
  const auto uniform = [&random] { return static_cast<float>(static_cast<int>(random() % 4096) - 2048) / 2048.0f; };
  const Eigen::MatrixXf x = Eigen::MatrixXf::NullaryExpr(37, 416, uniform);
  const Eigen::MatrixXf w = Eigen::MatrixXf::NullaryExpr(61, 416, uniform);
  const auto expected8 = digest_of_product<dyadic::s8_per_row>(x, w);
  const auto expected4 = digest_of_product<dyadic::u4_per_group<32>>(x, w);

  const char* names[16];
  const int supported = dyadic::supported_isas(names, 16);
  bool same = supported > 0, environment_heard = true;
  std::printf("%-15s  %-16s  %-16s\n", "instruction set", "y of 8-bit w", "y of 4-bit w");
  for (int i = 0; i < supported; ++i) {
    dyadic::force_isa(names[i]);
    const auto y8 = digest_of_product<dyadic::s8_per_row>(x, w), y4 = digest_of_product<dyadic::u4_per_group<32>>(x, w);
    std::printf("%-15s  %016llx  %016llx\n", dyadic::active_isa(), y8, y4);
    same = same && y8 == expected8 && y4 == expected4 && std::strcmp(dyadic::active_isa(), names[i]) == 0;
    if (wanted != nullptr && std::strcmp(wanted, names[i]) == 0)
      environment_heard = std::strcmp(automatic, wanted) == 0;
  }

  dyadic::force_isa(nullptr);  // back to the automatic choice
  const auto refused = dyadic::try_force_isa("mmx");
  std::printf("\nthe same bits:   %s\nrefused:         %s\n", same ? "yes" : "NO",
              refused ? "NOTHING" : refused.error().message());
  const bool restored = std::strcmp(dyadic::active_isa(), automatic) == 0;
  return same && environment_heard && !refused && restored ? 0 : 1;
}
