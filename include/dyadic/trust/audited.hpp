// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// audited: a network and its plan, run with a record of every inference, and replayed against the records.
//
//   const audited classifier(net, plan);
//   auto y = classifier.try_run(log, x, now);                  as plan.try_run, and one record an image
//   auto same = classifier.try_replay(*audit_view::try_open(bytes), 0, x);   same->equal == same->records
//
// Integer arithmetic makes replay exact: the same input gives the same codes on any instruction set, with any number of
// threads and any split of the batch. So a record can be checked years later, on another machine, to the bit.
#pragma once

#include <dyadic/network/calibrate.hpp>
#include <dyadic/trust/audit_log.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What a replay found.
struct replay_count {
  index_t records = 0, equal = 0;
  index_t first_different = -1;  ///< a record of the log; -1 for none

  void merge(const replay_count& o) noexcept {
    records += o.records, equal += o.equal;
    if (first_different < 0 || (o.first_different >= 0 && o.first_different < first_different))
      first_different = o.first_different;
  }
};

template <class Net>
class audited {
 public:
  /// Borrows both; takes the digest of the plan once.
  /// \param small_margin  records whose margin is below it, in steps of the output, are flagged.
  audited(const Net& net, const plan& p, std::uint32_t small_margin = 0, const digest_context& context = {}) noexcept
      : net_(net), plan_(p), context_(context), digest_(digest_of(p, context)), small_margin_(small_margin) {}

  const digest& plan_digest() const noexcept { return digest_; }

  /// Runs the plan on a batch and appends one record an image.
  /// \param log   an audit_log whose records have as many codes as the network has outputs.
  /// \param time  of all these records; the library reads no clock.
  /// \returns     what plan.try_run returns. errc::io when the sink refused a record: records before it are written,
  ///              and no output is handed out without its record.
  template <class Log>
  result<run_output> try_run(Log& log, const batch& x, std::int64_t time, const run_options& options = {}) const {
    if (const auto ok = check_static(); !ok) return ok.error();
    auto y = plan_.try_run(net_, x, options);
    if (!y) return y;
    for (index_t i = 0; i < x.rows.rows(); ++i) {
      audit_record r = record_of(x, i, *y);
      r.input = digest_of(x, i);
      r.time = time;
      if (const auto ok = log.try_append(r); !ok) return ok.error();
    }
    return y;
  }

  /// Runs the plan again on the inputs of records [first, first + x.rows.rows()) and compares codes, flags, clips and
  /// margin. Replays of parts of a log merge.
  /// \returns  errc::wrong_site when a record was made by another plan, errc::no_data when it was made from another
  ///           input or does not exist; each names the record.
  result<replay_count> try_replay(const audit_view& log, index_t first, const batch& x,
                                  const run_options& options = {}) const {
    if (const auto ok = check_static(); !ok) return ok.error();
    if (const auto ok = check_batch(x); !ok) return ok.error();
    const index_t n = x.rows.rows();
    if (first < 0 || n > log.size() - first)
      return failure(errc::no_data, "replay: inputs for records {} to {}, the log has {}", first, first + n - 1,
                     log.size());
    for (index_t i = 0; i < n; ++i) {
      const audit_record r = log[first + i];
      if (r.plan != digest_)
        return failure(errc::wrong_site, "replay: record {} is of plan {}..., this one is {}...", first + i,
                       r.plan.hex(12).c_str(), digest_.hex(12).c_str());
      if (r.input != digest_of(x, i))
        return failure(errc::no_data, "replay: record {} is of an input {}..., the one given is {}...", first + i,
                       r.input.hex(12).c_str(), digest_of(x, i).hex(12).c_str());
    }
    const auto y = plan_.try_run(net_, x, options);
    if (!y) return y.error();
    replay_count found;
    for (index_t i = 0; i < n; ++i) {
      const audit_record was = log[first + i], is = record_of(x, i, *y);
      // Which margin is small was the choice of who wrote the log.
      const bool same = was.codes.size() == is.codes.size() &&
                        std::memcmp(was.codes.data(), is.codes.data(), is.codes.size()) == 0 &&
                        (was.flags & ~audit_flags::small_margin) == (is.flags & ~audit_flags::small_margin) &&
                        was.clips == is.clips && was.margin == is.margin;
      found.merge({1, same ? 1 : 0, same ? -1 : first + i});
    }
    return found;
  }

#if DYADIC_EXCEPTIONS
  template <class Log>
  run_output run(Log& log, const batch& x, std::int64_t time, const run_options& options = {}) const {
    return try_run(log, x, time, options).value();
  }
  replay_count replay(const audit_view& log, index_t first, const batch& x, const run_options& options = {}) const {
    return try_replay(log, first, x, options).value();
  }
#endif

 private:
  result<void> check_static() const noexcept {
    if (plan_.activations() == activation_scales::dynamic)
      return failure(errc::invalid_scheme,
                     "audit: the plan has dynamic activations, whose outputs are no codes; expected static ones");
    return {};
  }

  /// All of a record but the input's digest and the time.
  audit_record record_of(const batch& x, index_t i, const run_output& y) const {
    audit_record r;
    r.plan = digest_;
    r.version = context_.version;
    // The name fits: the names of instruction sets are shorter than 16 letters.
    const char* isa = active_isa();
    for (std::size_t k = 0; k < 16 && isa[k] != 0; ++k) r.isa[k] = isa[k];
    r.codes = {y.codes.data() + i * y.shape.features(), static_cast<std::size_t>(y.shape.features())};
    flag_input(x, i, r);
    flag_output(r);
    return r;
  }

  /// Counts what the quantizer of the input clipped.
  void flag_input(const batch& x, index_t i, audit_record& r) const {
    const chosen& in = plan_.params(0);
    const auto p = params<u8_per_tensor>::try_make({&in.scale, 1}, {&in.zero_point, 1});
    if (!p) return;  // a plan has sound params
    const strided<const float> row(x.rows.row(i), 1, x.rows.cols(), x.rows.row_stride(), x.rows.col_stride());
    const clip_count met = detail::count_clipped<u8_per_tensor, onnx_profile>(row, *p);
    r.clips = static_cast<std::uint32_t>(met.low + met.high);
    if (r.clips > 0) r.flags |= audit_flags::input_clipped;
    if (met.nan > 0) r.flags |= audit_flags::input_not_a_number;
  }

  void flag_output(audit_record& r) const noexcept {
    int largest = -1, second = -1;
    for (const std::uint8_t code : r.codes) {
      if (code == 0 || code == 255) r.flags |= audit_flags::output_clipped;
      if (code > largest)
        second = largest, largest = code;
      else if (code > second)
        second = code;
    }
    r.margin = second < 0 ? 255 : static_cast<std::uint32_t>(largest - second);
    if (r.margin < small_margin_) r.flags |= audit_flags::small_margin;
  }

  const Net& net_;
  const plan& plan_;
  digest_context context_;
  digest digest_;
  std::uint32_t small_margin_;
};

}  // namespace dyadic::inline DYADIC_ABI
