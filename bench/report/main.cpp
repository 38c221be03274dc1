// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The report: this library and its peers in turns, as a table on stdout and as JSON in a file.
//
//   bench_report_program [--json FILE] [--markdown] [--rounds N] [--only products|int4|memory|pack|threads|isas]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include "peers/environment.hpp"
#include "report/report.hpp"

int main(int count, char** arguments) {
  peers::set_environment(arguments);
  report::settings settings;
  auto as = report::format::text;
  const char* file = nullptr;
  for (int i = 1; i < count; ++i) {
    const bool more = i + 1 < count;
    if (std::strcmp(arguments[i], "--markdown") == 0) {
      as = report::format::markdown;
    } else if (more && std::strcmp(arguments[i], "--json") == 0) {
      file = arguments[++i];
    } else if (more && std::strcmp(arguments[i], "--only") == 0) {
      settings.only = arguments[++i];
    } else if (more && std::strcmp(arguments[i], "--rounds") == 0 && std::atoi(arguments[i + 1]) > 0) {
      settings.rounds = std::atoi(arguments[++i]);
    } else {
      std::cerr << "usage: " << arguments[0]
                << " [--json FILE] [--markdown] [--rounds N] [--only products|int4|memory|pack|threads|isas]\n";
      return 2;
    }
  }
  const report::results done = report::run_suite(settings);
  std::cout << report::table_of(done, as);
  if (file != nullptr) {
    std::ofstream out(file);
    out << report::json_of(done);
    if (!out.flush()) {
      std::cerr << "cannot write " << file << "\n";
      return 1;
    }
  }
  return done.own_fault ? 1 : 0;
}
