// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The style of the page, and the few elements it is made of: sections, figures, tables.
#pragma once

#include <initializer_list>

#include <dyadic/interop/report/svg.hpp>

namespace dyadic::inline DYADIC_ABI::charts {

/// Light and dark, one column on a telephone. No colour stands alone: bars differ by hatching, series by their marks.
/// The colours are Okabe's and Ito's, which most eyes tell apart, lightened for the dark.
inline constexpr const char* style = R"(
:root { color-scheme: light dark; --ground: #ffffff; --panel: #f6f7f9; --ink: #1a1d21; --soft: #555d66; --line: #d5d9de;
  --c0: #0072b2; --c1: #b34a00; --c2: #00795c; --c3: #9c4a7c; --c4: #444b52; --c5: #8a6d00; --wrong: #b00020; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --panel: #1d2125; --ink: #e6e9ec; --soft: #a4adb6;
  --line: #3a4149; --c0: #56b4e9; --c1: #f0955c; --c2: #35c79d; --c3: #dd96bf; --c4: #c4cbd2; --c5: #e3c34a;
  --wrong: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1320px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 0.3rem; padding-top: 0.6rem; border-top: 2px solid var(--line); }
p { margin: 0.3rem 0 0.8rem; max-width: 46rem; }
.soft, figcaption { color: var(--soft); }
.wrong { color: var(--wrong); font-weight: 600; }
code { font: 0.85em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); gap: 16px;
  align-items: start; }
.figures > .wide { grid-column: 1 / -1; }
@media (min-width: 820px) { .figures > figure:only-of-type + .wide { grid-column: span 2; } }
figure { margin: 0; padding: 10px; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; }
figcaption { font-size: 0.9rem; margin-bottom: 8px; }
figcaption b { color: var(--ink); display: block; font-size: 1rem; }
svg { display: block; width: 100%; height: auto; max-width: 460px; font-size: 13px; overflow: visible; }
svg.defs { position: absolute; width: 0; height: 0; }
text { fill: var(--ink); font-family: inherit; }
text.label { fill: var(--soft); }
text.value { font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); stroke-width: 1; }
.axis { stroke: var(--soft); stroke-width: 1.2; }
.whisker { stroke: var(--ink); stroke-width: 1.4; }
.limit { stroke: var(--wrong); stroke-width: 1.6; stroke-dasharray: 5 3; }
.bar { stroke-width: 1; }
.b0 { fill: var(--c0); stroke: var(--c0); fill-opacity: .65; }
.b1 { fill: url(#hatch); stroke: var(--c1); }
#hatch path { stroke: var(--c1); stroke-width: 2; }
#hatch rect { fill: var(--panel); }
.mark { stroke-width: 1.6; fill: var(--panel); }
.curve { fill: none; stroke-width: 1.8; }
.s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); }
.s3 { stroke: var(--c3); } .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); }
.full.s0 { fill: var(--c0); } .full.s1 { fill: var(--c1); } .full.s2 { fill: var(--c2); } .full.s3 { fill: var(--c3); }
.curve.s1 { stroke-dasharray: 7 3; } .curve.s2 { stroke-dasharray: 2 3; } .curve.s3 { stroke-dasharray: 9 3 2 3; }
.curve.s4 { stroke-dasharray: 4 4; } .curve.s5 { stroke-dasharray: 1 4; }
.frame { fill: none; stroke: var(--line); }
.for { fill: var(--c0); }
.against { fill: none; stroke: var(--c1); stroke-width: 1.2; }
.shade { fill: var(--ink); }
.g1 { opacity: .14; } .g2 { opacity: .28; } .g3 { opacity: .42; } .g4 { opacity: .56; } .g5 { opacity: .7; }
.g6 { opacity: .85; }
.wide { overflow-x: auto; min-width: 0; }
.wide + .wide { margin-top: 1rem; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 12px 3px 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child, td.words, th.words { text-align: left; }
td.words { white-space: normal; min-width: 12rem; }
ul { margin: 0.3rem 0 0.8rem; padding-left: 1.2rem; max-width: 46rem; }
@media print { figure { break-inside: avoid; } }
)";

inline constexpr const char* patterns =
    "<svg class=\"defs\" aria-hidden=\"true\"><defs><pattern id=\"hatch\" width=\"6\" height=\"6\" "
    "patternUnits=\"userSpaceOnUse\"><rect width=\"6\" height=\"6\"/>"
    "<path d=\"M-1,1l2,-2M0,6l6,-6M5,7l2,-2\"/></pattern></defs></svg>\n";

/// A drawing with its title and what it says; figures and a table stand beside each other where there is room.
inline std::string figure(std::string_view title, std::string_view says, const std::string& svg) {
  return "<figure><figcaption><b>" + escaped(title) + "</b>" + escaped(says) + "</figcaption>\n" + svg + "</figure>\n";
}
inline std::string figures(const std::string& inside) {
  return inside.empty() ? inside : "<div class=\"figures\">\n" + inside + "</div>\n";
}
inline std::string section(std::string_view title, std::string_view says, const std::string& inside) {
  if (inside.empty()) return inside;
  return "<section>\n<h2>" + escaped(title) + "</h2>\n" +
         (says.empty() ? "" : "<p class=\"soft\">" + escaped(says) + "</p>\n") + inside + "</section>\n";
}

/// A table that scrolls by itself where it is wider than the screen. Columns of words, not of numbers, say so.
class table {
 public:
  struct column {
    const char* name;
    bool words = false;
  };
  table(std::initializer_list<column> columns) : columns_(columns) {
    body_ = "<div class=\"wide\"><table>\n<tr>";
    for (const column& c : columns_) cell(c, "th", c.name);
    body_ += "</tr>\n";
  }
  void row(std::initializer_list<std::string> cells) {
    body_ += "<tr>";
    std::size_t i = 0;
    for (const std::string& c : cells) cell(columns_[i++], "td", c);
    body_ += "</tr>\n";
  }
  std::string finish() const { return body_ + "</table></div>\n"; }

 private:
  void cell(const column& c, const char* tag, std::string_view text) {
    body_ += std::string("<") + tag + (c.words ? " class=\"words\">" : ">") + escaped(text) + "</" + tag + ">";
  }
  std::vector<column> columns_;
  std::string body_;
};

}  // namespace dyadic::inline DYADIC_ABI::charts
