// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where and with what a report was made.
#include <ctime>
#include <fstream>
#include <thread>

#include "report/report.hpp"

namespace report {

namespace {

/// The processor's name and family, as Linux tells them.
std::string processor() {
  std::string name = "unknown", family, line;
  std::ifstream info("/proc/cpuinfo");
  while (std::getline(info, line) && !line.empty()) {
    const auto value = line.find(": ");
    if (value == std::string::npos) continue;
    if (line.starts_with("model name")) name = line.substr(value + 2);
    if (line.starts_with("cpu family")) family = line.substr(value + 2);
  }
  return family.empty() ? name : name + ", family " + family;
}

std::string date() {
  char text[32] = "";
  const std::time_t now = std::time(nullptr);
  if (const std::tm* utc = std::gmtime(&now); utc != nullptr)
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", utc);
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_machine(const std::string& isa) {
#if defined(__clang__)
  const std::string compiler = "clang++ " __clang_version__;
#else
  const std::string compiler = "g++ " __VERSION__;
#endif
  return {{"processor", processor()},
          {"compiler", compiler},
          {"date", date()},
          {"cores", std::to_string(std::thread::hardware_concurrency())},
          {"instruction_set", isa}};
}

}  // namespace report
