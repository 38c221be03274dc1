// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The results as one aligned table, as Markdown and as JSON.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "report/report.hpp"

namespace report {

namespace {

/// A number with so many digits after the point, or "-" for 0, which stands for "not known".
std::string number(double x, int digits) {
  if (x == 0) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}
std::string rate(double x) { return number(x, x < 10 ? 2 : x < 100 ? 1 : 0); }
std::string percent(double x) { return x == 0 ? "-" : number(100 * x, 0) + " %"; }

using line = std::vector<std::string>;

struct mean {
  int count = 0;
  double ratio = 0, worst = 0;
  std::string worst_name{};
};

/// Geometric mean of own / peer over the rows that have one; which: the peer's name, or empty for the best of each row.
mean mean_of(const section& s, const std::string& which) {
  mean m;
  double sum = 0;
  for (const row& r : s.rows) {
    double ratio = which.empty() ? r.ratio() : 0;
    for (const auto& [name, speed] : r.peers)
      if (name == which) ratio = r.own / speed;
    if (ratio <= 0) continue;
    sum += std::log(ratio);
    ++m.count;
    if (m.count == 1 || ratio < m.worst) m.worst = ratio, m.worst_name = r.name;
  }
  if (m.count > 0) m.ratio = std::exp(sum / m.count);
  return m;
}

std::vector<std::string> peers_of(const section& s) {
  std::vector<std::string> names;
  for (const row& r : s.rows)
    for (const auto& one : r.peers)
      if (std::find(names.begin(), names.end(), one.first) == names.end()) names.push_back(one.first);
  return names;
}

/// Lines with columns filled: the first to the left, the others to the right. A line of one column is a heading or a
/// note; in Markdown, the first line after one is the header of a table.
std::string aligned(const std::vector<line>& lines, format as) {
  std::vector<std::size_t> widths;
  for (const line& l : lines)
    for (std::size_t c = 0; l.size() > 1 && c < l.size(); ++c) {
      if (c >= widths.size()) widths.push_back(0);
      widths[c] = (std::max)(widths[c], l[c].size());
    }
  std::string all;
  const bool markdown = as == format::markdown;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const line& l = lines[i];
    if (l.size() == 1) {
      all += l[0] + "\n";
      continue;
    }
    for (std::size_t c = 0; c < l.size(); ++c) {
      const std::string fill(widths[c] - l[c].size(), ' ');
      all += markdown ? "| " : c == 0 ? "" : "  ";
      all += c == 0 ? l[c] + fill : fill + l[c];
      if (markdown) all += " ";
    }
    all += markdown ? "|\n" : "\n";
    if (!markdown || (i > 0 && lines[i - 1].size() > 1)) continue;
    for (std::size_t c = 0; c < l.size(); ++c) all += c == 0 ? "| --- " : "| ---: ";
    all += "|\n";
  }
  return all;
}

std::string escaped(const std::string& text) {
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') all += '\\';
    all += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return all + "\"";
}
std::string value(double x) {
  if (x == 0 || !std::isfinite(x)) return "null";
  char text[64];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

}  // namespace

std::string table_of(const results& r, format as) {
  const bool markdown = as == format::markdown;
  const std::string strong = markdown ? "**" : "";
  std::string machine;
  for (const auto& [name, text] : r.machine) machine += (machine.empty() ? "" : "; ") + name + " " + text;

  const line header{"shape", "own", "best peer", "peer", "ratio", "of limit", "spread"};
  std::vector<line> rows;
  if (!markdown) rows = {header};
  for (const section& s : r.sections) {
    rows.insert(rows.end(), {{""}, {strong + s.title + strong}, {""}});
    if (markdown) rows.push_back(header);
    for (const row& one : s.rows) {
      const auto* peer = one.best_peer();
      rows.push_back({one.name, rate(one.own), peer == nullptr ? "-" : rate(peer->second),
                      peer == nullptr ? "-" : peer->first, number(one.ratio(), 2),
                      percent(one.in_bytes ? one.of_bandwidth : one.peak), percent(one.spread)});
    }
    if (!s.note.empty()) rows.insert(rows.end(), {{""}, {"(" + s.note + ")"}});
  }

  std::vector<line> limits{{""}, {strong + "Limits, GOP/s and GB/s" + strong}, {""}};
  if (markdown) limits.push_back({"limit", "measured"});
  for (const auto& [name, limit] : r.peaks) limits.push_back({name, rate(1e-9 * limit)});

  std::vector<line> means{{""}, {strong + "Geometric means of own / peer" + strong}, {""}};
  means.push_back({"section", "peer", "shapes", "mean", "worst", "at"});
  for (const section& s : r.sections) {
    if (!s.with_mean) continue;
    std::vector<std::string> peers = peers_of(s);
    if (peers.size() != 1) peers.insert(peers.begin(), "");
    for (const std::string& peer : peers)
      if (const mean m = mean_of(s, peer); m.count > 0)
        means.push_back({s.title, peer.empty() ? "best of each row" : peer, std::to_string(m.count), number(m.ratio, 2),
                         number(m.worst, 2), m.worst_name});
  }
  std::string all = machine + "\n\n" + aligned(rows, as) + aligned(limits, as);
  if (means.size() > 4) all += aligned(means, as);
  for (const std::string& fault : r.faults) all += "FAULT " + fault + "\n";
  return all;
}

std::string json_of(const results& r) {
  std::string all = "{\n  \"machine\": {";
  for (std::size_t i = 0; i < r.machine.size(); ++i)
    all += std::string(i == 0 ? "" : ", ") + escaped(r.machine[i].first) + ": " + escaped(r.machine[i].second);
  all += "},\n  \"peaks\": {";
  for (std::size_t i = 0; i < r.peaks.size(); ++i)
    all += std::string(i == 0 ? "" : ", ") + escaped(r.peaks[i].first) + ": " + value(1e-9 * r.peaks[i].second);
  all += "},\n  \"rows\": [";
  const char* separator = "\n    ";
  for (const section& s : r.sections)
    for (const row& one : s.rows) {
      const auto* peer = one.best_peer();
      all += separator;
      separator = ",\n    ";
      all += "{\"name\": " + escaped(one.name) + ", \"own\": " + value(one.own);
      all += ", \"best_peer\": " + value(peer == nullptr ? 0 : peer->second);
      all += ", \"peer\": " + (peer == nullptr ? "null" : escaped(peer->first)) + ", \"ratio\": " + value(one.ratio());
      all += ", \"peak\": " + value(one.peak) + ", \"of_bandwidth\": " + value(one.of_bandwidth);
      all += ", \"spread\": " + value(one.spread) + ", \"unit\": " + (one.in_bytes ? "\"GB/s\"" : "\"GOP/s\"");
      all += ", \"peers\": {";
      for (std::size_t i = 0; i < one.peers.size(); ++i)
        all += std::string(i == 0 ? "" : ", ") + escaped(one.peers[i].first) + ": " + value(one.peers[i].second);
      all += "}}";
    }
  all += "\n  ],\n  \"faults\": [";
  for (std::size_t i = 0; i < r.faults.size(); ++i) all += (i == 0 ? "" : ", ") + escaped(r.faults[i]);
  return all + "]\n}\n";
}

}  // namespace report
