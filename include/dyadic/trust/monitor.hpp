// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// monitor: what the codes of a running plan look like, from a sample of the images, at under 1 % of the time.
//
// The unit is the image, not the number: the numbers of one image depend on each other, and only whole images can be
// counted as evidence. So every image looked at becomes one row of statistics, for drift.hpp and cusum.hpp: at each
// site that has a quantizer the mean code and the shares of codes at either end, and last the margin of the result.
// Beside the rows are exact totals, and histograms of the codes of fewer images.
//
// One image in each stretch of `every` is looked at, at a place the seed decides: the same images for any batch split,
// and no rhythm that data could follow. A monitor belongs to one thread; those of several threads are merged, each
// with a seed of its own. After it is made it allocates nothing and takes no lock.
#pragma once

#include <vector>

#include <dyadic/network/code.hpp>
#include <dyadic/trust/code_counts.hpp>
#include <dyadic/trust/random.hpp>

namespace dyadic::inline DYADIC_ABI {

struct monitor_options {
  index_t every = 64;           ///< one image in so many is looked at
  index_t histogram_every = 8;  ///< and one in so many of those gets its codes counted one by one
  index_t keep = 1024;          ///< rows of statistics there is room for
  std::uint64_t seed = 0;
};

/// What was counted at one site that has a quantizer.
struct site_counts {
  int site = 0;
  chosen params;               ///< of its codes
  std::uint64_t images = 0;    ///< looked at
  code_ends ends{};            ///< of their codes
  code_histogram histogram{};  ///< of the codes of some of them
};

/// What a column of the rows says.
enum class image_statistic : unsigned char { mean_code, low_share, high_share, margin };

constexpr const char* to_string(image_statistic s) noexcept {
  constexpr const char* names[] = {"mean code", "share at 0", "share at 255", "margin"};
  return names[static_cast<int>(s)];
}

class monitor {
 public:
  /// errc::invalid_scheme for a plan with dynamic activations, which has no codes between operations.
  static result<monitor> try_make(const plan& p, const monitor_options& how = {}) {
    if (p.activations() == activation_scales::dynamic)
      return failure(errc::invalid_scheme, "monitor: the plan has dynamic activations, expected static ones");
    if (how.every < 1 || how.histogram_every < 1 || how.keep < 0)
      return failure(errc::invalid_range,
                     "monitor: every {}, histogram_every {}, keep {}, expected at least 1, 1 and 0", how.every,
                     how.histogram_every, how.keep);
    monitor made;
    made.how_ = how;
    made.place_of_.assign(p.sites().size(), -1);
    for (std::size_t s = 0; s < p.sites().size(); ++s) {
      if (p.sites()[s].params_of != static_cast<int>(s)) continue;
      made.place_of_[s] = static_cast<int>(made.sites_.size());
      made.sites_.push_back({.site = static_cast<int>(s), .params = p.sites()[s].params});
    }
    made.result_scale_ = p.params(p.result_site()).scale;
    const auto numbers = checked_multiply(how.keep, made.columns());
    if (!numbers) return numbers.error();
    made.rows_.resize(static_cast<std::size_t>(*numbers));
    made.next_ = made.place_in(0);
    return made;
  }
#if DYADIC_EXCEPTIONS
  explicit monitor(const plan& p, const monitor_options& how = {}) : monitor(try_make(p, how).value()) {}
#endif

  /// The sites with quantizers, in the order of the network, and what was counted there.
  std::span<const site_counts> sites() const noexcept { return sites_; }
  /// Images that passed, and how many of them were looked at.
  std::uint64_t images() const noexcept { return passed_; }
  std::uint64_t looked_at() const noexcept { return looked_at_; }

  /// Three columns a site, mean_code, low_share and high_share, and one more: the margin.
  index_t columns() const noexcept { return 3 * static_cast<index_t>(sites_.size()) + 1; }
  image_statistic statistic(index_t column) const noexcept {
    return column == columns() - 1 ? image_statistic::margin : static_cast<image_statistic>(column % 3);
  }
  /// The site a column is about; -1 for the margin.
  int site(index_t column) const noexcept {
    return column == columns() - 1 ? -1 : sites_[static_cast<std::size_t>(column / 3)].site;
  }
  /// (images looked at since clear_rows, columns), oldest first. Margins are in the units of the result.
  strided<const float> rows() const noexcept { return {rows_.data(), kept_, columns()}; }
  std::vector<float> column(index_t c) const {
    std::vector<float> all(static_cast<std::size_t>(kept_));
    for (index_t i = 0; i < kept_; ++i) all[static_cast<std::size_t>(i)] = rows()(i, c);
    return all;
  }
  /// Makes room for `keep` rows again; totals and histograms stay.
  void clear_rows() noexcept { kept_ = 0, lost_ = 0; }
  /// Rows for which there was no room.
  std::uint64_t rows_lost() const noexcept { return lost_; }

  /// Adds what the monitor of another thread saw; its rows as far as there is room.
  /// errc::invalid_shape for one of another plan.
  result<void> try_merge(const monitor& other) noexcept {
    if (!same_codes(other.sites_) || place_of_.size() != other.place_of_.size())
      return failure(errc::invalid_shape, "monitor: {} sites with quantizers of one plan, {} of another", sites_.size(),
                     other.sites_.size());
    for (std::size_t i = 0; i < sites_.size(); ++i) {
      sites_[i].images += other.sites_[i].images;
      sites_[i].ends += other.sites_[i].ends;
      for (std::size_t c = 0; c < 256; ++c) sites_[i].histogram[c] += other.sites_[i].histogram[c];
    }
    passed_ += other.passed_, looked_at_ += other.looked_at_, lost_ += other.lost_;
    const index_t room = how_.keep - kept_, count = other.kept_ < room ? other.kept_ : room;
    if (count > 0)
      std::memcpy(rows_.data() + kept_ * columns(), other.rows_.data(),
                  static_cast<std::size_t>(count * columns()) * sizeof(float));
    kept_ += count, lost_ += static_cast<std::uint64_t>(other.kept_ - count);
    return {};
  }

 private:
  friend class monitored;
  monitor() = default;

  bool same_codes(std::span<const site_counts> others) const noexcept {
    bool same = others.size() == sites_.size();
    for (std::size_t i = 0; same && i < sites_.size(); ++i)
      same = others[i].site == sites_[i].site && others[i].params == sites_[i].params;
    return same;
  }
  /// Whether the codes of p mean what they did in the plan this was made from.
  bool fits(const plan& p) const noexcept {
    bool same = place_of_.size() == p.sites().size() && p.activations() == activation_scales::static_;
    for (std::size_t i = 0; same && i < sites_.size(); ++i) {
      const dyadic::site& s = p.sites()[static_cast<std::size_t>(sites_[i].site)];
      same = s.params_of == sites_[i].site && s.params == sites_[i].params;
    }
    return same;
  }

  /// The image of stretch `block` that is looked at.
  std::uint64_t place_in(std::uint64_t block) const noexcept {
    const auto every = static_cast<std::uint64_t>(how_.every);
    return block * every + random_stream(how_.seed).below(block, every);
  }
  /// f(image of the batch, its row or nullptr, whether to count every code) for those of the next `images` that are
  /// looked at; returns the first that is looked at after them. Most batches end at the first comparison.
  template <class F>
  std::uint64_t for_looked_at(index_t images, const F& f) noexcept {
    const std::uint64_t last = passed_ + static_cast<std::uint64_t>(images);
    std::uint64_t at = next_;
    if (at >= last) return at;
    std::uint64_t block = at / static_cast<std::uint64_t>(how_.every);
    for (index_t row = kept_; at < last; at = place_in(++block), ++row)
      f(static_cast<index_t>(at - passed_), row < how_.keep ? rows_.data() + row * columns() : nullptr,
        block % static_cast<std::uint64_t>(how_.histogram_every) == 0);
    return at;
  }

  /// Codes of a batch of images as site s produced them.
  void look(int s, std::span<const std::uint8_t> codes, index_t images) noexcept {
    const int place = place_of_[static_cast<std::size_t>(s)];
    if (place < 0 || images == 0) return;
    site_counts& here = sites_[static_cast<std::size_t>(place)];
    const std::size_t features = codes.size() / static_cast<std::size_t>(images);
    for_looked_at(images, [&](index_t image, float* row, bool every_code) {
      const auto own = codes.subspan(static_cast<std::size_t>(image) * features, features);
      const code_ends ends = count_ends(own);
      ++here.images;
      here.ends += ends;
      if (every_code) count_codes(own, here.histogram);
      if (row == nullptr) return;
      const default_float_environment environment;
      row[3 * place] = static_cast<float>(ends.mean());
      row[3 * place + 1] = static_cast<float>(ends.low_share());
      row[3 * place + 2] = static_cast<float>(ends.high_share());
      detail::opaque_array(row);
    });
  }
  /// Codes of the result; the images of the batch have passed.
  void finish(std::span<const std::uint8_t> codes, index_t images) noexcept {
    const std::size_t features = images == 0 ? 0 : codes.size() / static_cast<std::size_t>(images);
    index_t rows = 0, seen = 0;
    next_ = for_looked_at(images, [&](index_t image, float* row, bool) {
      ++seen;
      if (row == nullptr) return;
      ++rows;
      const int margin = margin_of_codes(codes.subspan(static_cast<std::size_t>(image) * features, features));
      const default_float_environment environment;
      row[columns() - 1] = detail::opaque(static_cast<float>(margin) * detail::opaque(result_scale_));
    });
    passed_ += static_cast<std::uint64_t>(images), looked_at_ += static_cast<std::uint64_t>(seen);
    kept_ += rows, lost_ += static_cast<std::uint64_t>(seen - rows);
  }

  monitor_options how_;
  std::vector<site_counts> sites_;
  std::vector<int> place_of_;  ///< of each site of the plan, in sites_; -1 without a quantizer
  std::vector<float> rows_;
  float result_scale_ = 1;
  index_t kept_ = 0;
  std::uint64_t passed_ = 0, next_ = 0, looked_at_ = 0, lost_ = 0;
};

}  // namespace dyadic::inline DYADIC_ABI
