// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A log of what a classifier decided: written, verified, damaged, and replayed on every instruction set.
#include <chrono>
#include <cstdio>
#include <vector>

#include <dyadic/dyadic.hpp>
#include <dyadic/trust/audited.hpp>

#include "support/demo_network.hpp"

namespace {

/// Where the bytes of a log go: here memory, elsewhere a file or a socket.
struct memory {
  std::vector<std::byte>* bytes;
  bool operator()(std::span<const std::byte> more) const {
    bytes->insert(bytes->end(), more.begin(), more.end());
    return true;
  }
};

void print(const char* what, const dyadic::audit_verdict& v) {
  std::printf("%-34s %s\n", what, v.intact ? "intact" : v.why.message());
}

}  // namespace

int main() {
  const classifier net = load_classifier();
  const images test = bundled_images("t10k", 200);
  const dyadic::plan plan = dyadic::calibrate(net, bundled_images("train", 100).batches());

  // One record an image: what ran, on what, when, and the codes that came out.
  const dyadic::audited audited(net, plan, 10);
  std::vector<std::byte> bytes;
  auto log = dyadic::audit_log<memory>::start({&bytes}, 10);
  for (const dyadic::batch& x : test.batches())
    audited.run(log, x, std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1));
  const dyadic::digest head = log.head();  // kept elsewhere: printed, mailed, signed

  const dyadic::audit_view view = dyadic::audit_view::open(bytes);
  std::printf("plan      %s\nhead      %s\n%td records of %td bytes, %zu bytes in all\n\n",
              audited.plan_digest().hex().c_str(), head.hex().c_str(), view.size(), view.record_bytes(), bytes.size());
  std::printf("%6s %-12s %-12s %6s %6s %6s  %s\n", "record", "input", "ran on", "clips", "margin", "flags", "codes");
  for (dyadic::index_t i = 0; i < 5; ++i) {
    const dyadic::audit_record r = view[i];
    std::printf("%6td %-12s %-12s %6u %6u %6u ", i, r.input.hex(12).c_str(), r.isa, r.clips, r.margin, r.flags);
    for (const std::uint8_t code : r.codes) std::printf(" %3d", code);
    std::printf("\n");
  }

  std::printf("\n");
  print("as written", dyadic::verify_audit_log(bytes, &head));
  std::vector<std::byte> changed = bytes;
  changed[5000] ^= std::byte{1};
  print("one bit changed", dyadic::verify_audit_log(changed, &head));
  std::vector<std::byte> cut(bytes.begin(), bytes.end() - 10 * view.record_bytes());
  print("ten records cut off", dyadic::verify_audit_log(cut));
  print("the same, against the kept head", dyadic::verify_audit_log(cut, &head));

  std::printf("\n");
  const char* names[dyadic::simd::isas::size];
  const int known = dyadic::supported_isas(names, dyadic::simd::isas::size);
  bool equal = dyadic::verify_audit_log(bytes, &head).intact;
  for (int k = 0; k < known; ++k) {
    dyadic::force_isa(names[k]);
    dyadic::replay_count found;
    for (dyadic::index_t i = 0; i < test.count(); i += batch_size) found.merge(audited.replay(view, i, test.batch(i)));
    std::printf("replayed on %-22s %td of %td records bit for bit\n", names[k], found.equal, found.records);
    equal = equal && found.equal == found.records;
  }
  return equal ? 0 : 1;
}
