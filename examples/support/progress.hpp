// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A progress bar with the time left: one redrawn line on a terminal, four plain lines in a log.
//
//   progress bar("calibrate", images);
//   for (...) bar.step(batch, "loss 0.31");  // batch more images are done
//
// The last step, or the destructor, ends the line. Output goes to stderr, so that stdout stays a clean result.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

class progress {
 public:
  /// \param label  what is being done, one or two words.
  /// \param total  how many steps make 100 %; 0 counts as already done.
  progress(std::string_view label, std::size_t total, std::FILE* out = stderr)
      : label_(label), total_(total), out_(out), terminal_(is_terminal(out)), blocks_(speaks_utf8()) {
    if (terminal_) draw();
  }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() { finish(); }

  /// Says that `count` more steps are done; `note` (optional) is shown behind the time left.
  void step(std::size_t count, std::string_view note = {}) {
    done_ = count < total_ - done_ ? done_ + count : total_;
    note_ = note;
    const auto now = clock::now();
    if (done_ == total_) {
      finish();
    } else if (terminal_ ? now - drawn_ >= std::chrono::milliseconds(100) : percent() / 25 > quarter_) {
      draw();
    }
  }

  /// Prints a line of its own above the bar.
  void print(std::string_view line) {
    if (terminal_) std::fputs("\r\x1b[K", out_);
    std::fprintf(out_, "%.*s\n", static_cast<int>(line.size()), line.data());
    if (terminal_ && !finished_) draw();
    std::fflush(out_);
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t bar_columns = 22;

  static bool is_terminal(std::FILE* file) {
#ifdef _WIN32
    return _isatty(_fileno(file)) != 0;
#else
    return isatty(fileno(file)) != 0;
#endif
  }

  static bool speaks_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
      if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
        return std::string_view(value).find("UTF-8") != std::string_view::npos ||
               std::string_view(value).find("utf8") != std::string_view::npos;
      }
    }
    return false;
  }

  static std::string minutes(double seconds) {
    const long whole = static_cast<long>(seconds + 0.5);
    char text[32];
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
    return text;
  }

  std::size_t percent() const { return total_ == 0 ? 100 : done_ * 100 / total_; }

  std::string bar() const {
    const std::size_t full = total_ == 0 ? bar_columns : done_ * bar_columns / total_;
    std::string text;
    for (std::size_t i = 0; i < bar_columns; ++i) {
      text += i < full ? (blocks_ ? "█" : "#") : (blocks_ ? "░" : ".");
    }
    return text;
  }

  /// "0:12 left" while it runs, "0:12" (the time it took) at the end.
  std::string time() const {
    const double spent = std::chrono::duration<double>(clock::now() - start_).count();
    if (finished_) return minutes(spent);
    if (done_ == 0) return "-:-- left";
    return minutes(spent * static_cast<double>(total_ - done_) / static_cast<double>(done_)) + " left";
  }

  /// Columns: label 12, bar 22, percent 5, time 11, note 22, gaps 6: 78 of 80 (some terminals wrap in the last one).
  void draw() {
    drawn_ = clock::now();
    quarter_ = percent() / 25;
    if (terminal_) {
      std::fprintf(out_, "\r\x1b[K%-12.12s %s %3zu %%  %-11s  %.22s", label_.c_str(), bar().c_str(), percent(),
                   time().c_str(), note_.c_str());
    } else {
      std::fprintf(out_, "%s: %zu %% (%zu of %zu), %s%s%s\n", label_.c_str(), percent(), done_, total_, time().c_str(),
                   note_.empty() ? "" : ", ", note_.c_str());
    }
    std::fflush(out_);
  }

  void finish() {
    if (finished_) return;
    finished_ = true;
    draw();
    if (terminal_) std::fputc('\n', out_);
  }

  std::string label_, note_;
  std::size_t total_, done_ = 0, quarter_ = 0;
  std::FILE* out_;
  bool terminal_, blocks_, finished_ = false;
  clock::time_point start_ = clock::now(), drawn_ = start_;
};
