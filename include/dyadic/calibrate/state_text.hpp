// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// save_text and try_load_text: saved observers as lines of text, for diffs, logs and mail. One form for all of them.
//
//   dyadic state 1 histogram                    name and version
//   u32 max_bins 2048                           type, name, value: u32, i32, u64 in decimal, f32 and f64 exactly, in
//   f32 min -0x1.800000p+1                      hexadecimal
//   u64 counts 3 0 17                           a list has its numbers on one line
//   end 93c467e37db0c7a4                        the checksum of the binary form, state.hpp
//
// A text stands for the bytes of the binary form and is loaded through them, with all their checks. What was loaded is
// then written again and must be the same text, so nothing at all is ignored: no name, no space, no other way to write
// a number.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include <dyadic/calibrate/state.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// Significand and exponent of float and double, as printed: the fraction in whole hexadecimal digits.
template <class Bits>
struct hex_float {
  static constexpr int fraction_bits = sizeof(Bits) == 4 ? 23 : 52, digits = (fraction_bits + 3) / 4;
  static constexpr int exponent_bits = sizeof(Bits) == 4 ? 8 : 11, bias = (1 << (exponent_bits - 1)) - 1;
  static constexpr Bits all_ones = (Bits{1} << exponent_bits) - 1;
};

/// -0x1.800000p+1; subnormals are 0x0. with the lowest exponent, infinities inf. No library's %a, which differ.
template <class Bits>
void print_hex_float(std::string& to, Bits bits) {
  using form = hex_float<Bits>;
  if (bits >> (form::fraction_bits + form::exponent_bits) != 0) to += '-';
  const Bits biased = bits >> form::fraction_bits & form::all_ones;
  const Bits fraction = (bits & ((Bits{1} << form::fraction_bits) - 1)) << (4 * form::digits - form::fraction_bits);
  if (biased == form::all_ones) {
    to += fraction == 0 ? "inf" : "nan";
    return;
  }
  to += biased != 0 ? "0x1." : "0x0.";
  for (int d = form::digits - 1; d >= 0; --d) to += "0123456789abcdef"[fraction >> (4 * d) & 0xF];
  const int exponent = biased != 0 ? static_cast<int>(biased) - form::bias : fraction != 0 ? 1 - form::bias : 0;
  to += exponent < 0 ? "p-" : "p+";
  to += std::to_string(exponent < 0 ? -exponent : exponent);
}

/// What print_hex_float wrote. Sloppy about the rest: whatever it takes is printed again and compared.
template <class Bits>
bool parse_hex_float(std::string_view word, Bits& bits) {
  using form = hex_float<Bits>;
  const bool negative = word.starts_with('-');
  if (negative) word.remove_prefix(1);
  const Bits sign = Bits{negative} << (form::fraction_bits + form::exponent_bits);
  bits = sign | form::all_ones << form::fraction_bits;
  if (word == "inf") return true;
  if (word.size() < static_cast<std::size_t>(form::digits) + 7 || !word.starts_with("0x")) return false;
  Bits fraction = 0;
  const char* const digits = word.data() + 4;
  const auto [end, bad] = std::from_chars(digits, digits + form::digits, fraction, 16);
  if (bad != std::errc{} || end != digits + form::digits || *end != 'p') return false;
  int exponent = 0;
  const char* const number = end + (end[1] == '+' ? 2 : 1);
  if (std::from_chars(number, word.data() + word.size(), exponent).ec != std::errc{}) return false;
  const Bits biased = word[2] == '1' ? static_cast<Bits>(exponent + form::bias) : 0;
  bits = sign | biased << form::fraction_bits | fraction >> (4 * form::digits - form::fraction_bits);
  return true;
}

/// state_writer's other half: lines.
class text_writer {
 public:
  explicit text_writer(const char* name) : text_("dyadic state " + std::to_string(state_version) + ' ' + name + '\n') {}
  void put(const char* name, std::uint32_t x) { line("u32 ", name, std::to_string(x)); }
  void put(const char* name, std::int32_t x) { line("i32 ", name, std::to_string(x)); }
  void put(const char* name, std::uint64_t x) { line("u64 ", name, std::to_string(x)); }
  void put(const char* name, float x) { real("f32 ", name, std::bit_cast<std::uint32_t>(x)); }
  void put(const char* name, double x) { real("f64 ", name, std::bit_cast<std::uint64_t>(x)); }
  void put(const char* name, std::span<const std::uint64_t> all) {
    text_ += "u64 ";
    text_ += name;
    for (const std::uint64_t x : all) text_ += ' ' + std::to_string(x);
    text_ += '\n';
  }
  std::string finish(std::uint64_t checksum) {
    text_ += "end ";
    for (int d = 15; d >= 0; --d) text_ += "0123456789abcdef"[checksum >> (4 * d) & 0xF];
    text_ += '\n';
    return std::move(text_);
  }

 private:
  void line(const char* type, const char* name, const std::string& value) {
    (((text_ += type) += name) += ' ') += value;
    text_ += '\n';
  }
  template <class Bits>
  void real(const char* type, const char* name, Bits bits) {
    std::string value;
    print_hex_float(value, bits);
    line(type, name, value);
  }
  std::string text_;
};

/// Appends the bytes of one written number; false if it is none of its type.
inline bool append_number(std::vector<std::byte>& to, std::string_view type, std::string_view word) {
  std::uint64_t x = 0;
  std::uint32_t single = 0;
  std::int32_t whole = 0;
  const bool wide = type == "u64" || type == "f64" || type == "end";
  const auto takes = [word](auto& number, int base) {
    return std::from_chars(word.data(), word.data() + word.size(), number, base).ec == std::errc{};
  };
  const bool ok = type == "u32"   ? takes(single, 10)
                  : type == "i32" ? takes(whole, 10)
                  : type == "u64" ? takes(x, 10)
                  : type == "f32" ? parse_hex_float(word, single)
                  : type == "f64" ? parse_hex_float(word, x)
                  : type == "end" ? takes(x, 16)
                                  : false;
  if (!wide) x = type == "i32" ? static_cast<std::uint32_t>(whole) : single;
  for (int i = 0; i < (wide ? 8 : 4); ++i) to.push_back(static_cast<std::byte>(x >> (8 * i) & 0xFF));
  return ok;
}

/// The next part of text up to a delimiter, which is taken too.
inline std::string_view next_part(std::string_view& text, char delimiter) {
  const std::size_t size = text.find(delimiter);
  const std::string_view part = text.substr(0, size);
  text.remove_prefix(size == std::string_view::npos ? text.size() : size + 1);
  return part;
}

/// The binary form of a text whose first line was read.
inline result<std::vector<std::byte>> bytes_of_text(const char* what, std::uint32_t tag, std::string_view text) {
  std::vector<std::byte> bytes;
  for (const std::uint32_t x : {tag, state_version})
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::byte>(x >> (8 * i) & 0xFF));
  for (index_t number = 2; !text.empty(); ++number) {
    std::string_view line = next_part(text, '\n');
    const std::string_view type = next_part(line, ' ');
    if (type != "end") next_part(line, ' ');  // the name, which the comparison of the texts looks at
    while (!line.empty())
      if (const std::string_view word = next_part(line, ' '); !append_number(bytes, type, word))
        return failure(errc::bad_format, "{}: line {} holds '{}', expected a number of type u32, i32, u64, f32 or f64",
                       what, number, std::string(word.substr(0, 40)).c_str());
  }
  return bytes;
}

}  // namespace detail

/// The state of an observer as lines of text.
template <class Observer>
std::string save_text(const Observer& o) {
  const std::vector<std::byte> bytes = o.save();
  detail::text_writer out(Observer::state_name);
  o.write(out);
  return out.finish(detail::fnv1a(std::span<const std::byte>(bytes).first(bytes.size() - 8)));
}

/// try_load_text<histogram>(text); errc::bad_format for a text that save_text did not write, to the last character.
template <class Observer>
result<Observer> try_load_text(std::string_view text) {
  constexpr const char* what = Observer::state_name;
  std::string_view rest = text;
  const std::string_view first = detail::next_part(rest, '\n');
  const std::string expected = "dyadic state " + std::to_string(detail::state_version) + ' ' + what;
  if (first != expected)
    return failure(errc::bad_format, "{}: a text that begins with '{}', expected '{}'", what,
                   std::string(first.substr(0, 60)).c_str(), expected.c_str());
  const auto bytes = detail::bytes_of_text(what, Observer::state_tag, rest);
  if (!bytes) return bytes.error();
  result<Observer> made = Observer::try_load(*bytes);
  if (!made) return made;
  const std::string again = save_text(*made);
  if (again == text) return made;
  std::string_view is = text, should = again;
  for (index_t line = 1;; ++line) {
    const std::string_view a = detail::next_part(is, '\n'), b = detail::next_part(should, '\n');
    if (a != b || is.empty() || should.empty())
      return failure(errc::bad_format, "{}: line {} is '{}', expected '{}' and lines that end in a line feed", what,
                     line, std::string(a.substr(0, 60)).c_str(), std::string(b.substr(0, 60)).c_str());
  }
}

#if DYADIC_EXCEPTIONS
/// \throws format_error where try_load_text refuses.
template <class Observer>
Observer load_text(std::string_view text) {
  return try_load_text<Observer>(text).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
