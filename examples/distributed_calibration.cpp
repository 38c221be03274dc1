// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calibrates on a stream that is spread over MPI processes: each observes its batches, one MPI_Reduce merges the
// states, and the result has the bytes of a single process, whatever their number and the tree MPI reduces along.
//
//   mpirun -n 7 ./distributed_calibration
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include <dyadic/dyadic.hpp>
#include <dyadic/trust/sha256.hpp>

namespace {

constexpr unsigned batches = 60;

/// Batch i of the stream: 4000 bell-shaped activations, some batches ten times as wide.
std::vector<float> batch(unsigned i) {
  std::mt19937 random(i);
  std::vector<float> x;
  for (int n = 0; n < 4000; ++n) {
    unsigned sum = 0;
    for (int k = 0; k < 4; ++k) sum += static_cast<unsigned>(random() % 4096);
    x.push_back((static_cast<float>(sum) / 4096.0f - 2.0f) * (i % 13 == 0 ? 10.0f : 1.0f));
  }
  return x;
}

/// A saved histogram in a block of one size: its length, then its bytes. MPI reduces elements of equal size.
struct block {
  static constexpr std::size_t room = 128 + 8 * dyadic::histogram::default_bins;
  std::size_t size = 0;
  std::byte bytes[room] = {};

  void save(const dyadic::histogram& h) {
    const std::vector<std::byte> state = h.save();
    size = state.size();  // 80 bytes and 8 a bin
    std::memcpy(bytes, state.data(), size);
  }
  dyadic::histogram load() const { return dyadic::histogram::try_load(std::span(bytes, size)).value(); }
};

/// The reduction: into = from merged with into. Merging is exact, so it commutes and MPI may choose any order.
void merge(void* from, void* into, int* count, MPI_Datatype*) {
  for (int i = 0; i < *count; ++i) {
    dyadic::histogram h = static_cast<block*>(into)[i].load();
    h.merge(static_cast<const block*>(from)[i].load());
    static_cast<block*>(into)[i].save(h);
  }
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);

  dyadic::histogram seen;
  for (auto i = static_cast<unsigned>(rank); i < batches; i += static_cast<unsigned>(ranks)) seen.observe(batch(i));

  block mine, all;
  mine.save(seen);
  MPI_Datatype type{};
  MPI_Type_contiguous(static_cast<int>(sizeof(block)), MPI_BYTE, &type);
  MPI_Type_commit(&type);
  MPI_Op op{};
  MPI_Op_create(merge, 1, &op);
  MPI_Reduce(&mine, &all, 1, type, op, 0, MPI_COMM_WORLD);
  MPI_Op_free(&op);
  MPI_Type_free(&type);

  int failed = 0;
  if (rank == 0) {
    dyadic::histogram one_process;
    for (unsigned i = 0; i < batches; ++i) one_process.observe(batch(i));
    const dyadic::histogram merged = all.load();
    failed = merged.save() == one_process.save() ? 0 : 1;
    const dyadic::range r = dyadic::range_percentile(merged, 99.9);
    std::printf("%d processes: %llu numbers in %zu bytes, the bytes of one process: %s\n", ranks,
                static_cast<unsigned long long>(merged.seen().finite), all.size, failed == 0 ? "yes" : "NO");
    std::printf("sha256 %s\n", dyadic::sha256::of(std::span(all.bytes, all.size)).hex().c_str());
    std::printf("99.9 percentile [%.6f, %.6f]\n", static_cast<double>(r.lo), static_cast<double>(r.hi));
  }
  MPI_Finalize();
  return failed;
}
