// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A report from an installed dyadic.
#include <dyadic/interop/report.hpp>

int main() {
  dyadic::report r;
  r.title = "a & b";
  const bool page = dyadic::html_of(r).find("<h1>a &amp; b</h1>") != std::string::npos;
  return page && nlohmann::json::parse(dyadic::json_of(r))["title"] == "a & b" ? 0 : 1;
}
