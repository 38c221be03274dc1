// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a report holds: rows in sections, the limits of the machine, and what did not go as it should.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace report {

/// One thing measured, beside the peers' forms of it.
struct row {
  std::string name;
  bool in_bytes = false;  ///< rates are in GB/s rather than GOP/s
  double own = 0;
  std::vector<std::pair<std::string, double>> peers{};
  double spread = 0;  ///< of own: (median - best) / best over the rounds

  double seconds = 0, operations = 0;  ///< of a call of own
  std::string instruction{};           ///< that own is built on; empty where none is known
  double weight_bytes = 0;             ///< read by a call, where memory rules; else 0
  double peak = 0, of_bandwidth = 0;   ///< fractions of the limits of these; 0 where they mean nothing

  const std::pair<std::string, double>* best_peer() const {
    const std::pair<std::string, double>* best = nullptr;
    for (const auto& one : peers)
      if (best == nullptr || one.second > best->second) best = &one;
    return best;
  }
  double ratio() const { return best_peer() == nullptr ? 0 : own / best_peer()->second; }
};

struct section {
  std::string title;
  std::string note{};
  bool with_mean = true;  ///< whether a geometric mean of its ratios says something
  std::vector<row> rows{};
};

struct results {
  std::vector<std::pair<std::string, std::string>> machine;
  std::vector<std::pair<std::string, double>> peaks;  ///< operations or bytes a second, by name
  std::vector<section> sections;
  std::vector<std::string> faults;  ///< wrong results and refusals
  bool own_fault = false;
};

/// Which parts to measure (empty: all), and how often.
struct settings {
  std::string only;
  int rounds = 9;
};

results run_suite(const settings& s);

/// Processor, compiler, date, cores, and the instruction set that runs.
std::vector<std::pair<std::string, std::string>> describe_machine(const std::string& isa);

/// One aligned table with the geometric means last, as plain text or as Markdown.
enum class format { text, markdown };
std::string table_of(const results& r, format as);
std::string json_of(const results& r);

}  // namespace report
