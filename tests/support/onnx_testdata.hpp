// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reader of ONNX node tests as the ONNX project ships them: a folder with model.onnx and test_data_set_0/*.pb.
//
// Just enough of protobuf for one node and its tensors: a message is a run of fields, each a varint (field number << 3
// | wire type) and its content. Fields are those of onnx.proto: ModelProto.graph 7; GraphProto.node 1;
// NodeProto.op_type 4, attribute 5; AttributeProto.name 1, i 3, ints 8; TensorProto.dims 1, data_type 2, float_data 4,
// int32_data 5, raw_data 9.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string_view>

#include "support/vectors.hpp"

namespace support {

/// Walks the fields of a message; throws where the bytes end early.
class protobuf {
 public:
  explicit protobuf(std::string_view bytes) : bytes_(bytes) {}

  /// The next field, if there is one: then number(), and integer() or bytes() as its wire type says.
  bool next() {
    if (bytes_.empty()) return false;
    const std::uint64_t key = varint();
    number_ = static_cast<int>(key >> 3);
    integer_ = 0;
    content_ = {};
    switch (key & 7) {
      case 0: integer_ = varint(); break;
      case 1: content_ = take(8); break;
      case 2: content_ = take(varint()); break;
      case 5: content_ = take(4); break;
      default: throw std::runtime_error("protobuf: a wire type that is not in use");
    }
    return true;
  }
  int number() const { return number_; }
  std::int64_t integer() const { return static_cast<std::int64_t>(integer_); }
  std::string_view bytes() const { return content_; }

  /// Appends the integers of a repeated field, packed or not.
  template <class T>
  void append_to(std::vector<T>& all) const {
    if (content_.empty()) {
      all.push_back(static_cast<T>(integer_));
      return;
    }
    protobuf values(content_);
    while (!values.bytes_.empty()) all.push_back(static_cast<T>(values.varint()));
  }

 private:
  std::string_view take(std::uint64_t n) {
    if (n > bytes_.size()) throw std::runtime_error("protobuf: the bytes end inside a field");
    const std::string_view taken = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return taken;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("protobuf: an integer of more than 64 bits");
  }

  std::string_view bytes_, content_;
  std::uint64_t integer_ = 0;
  int number_ = 0;
};

inline std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// A TensorProto of the types that quantization uses.
inline tensor read_tensor(std::string_view bytes) {
  tensor t;
  std::int64_t type = 0;
  std::vector<std::int32_t> small;  // int32_data holds every integer type up to 32 bits
  std::string_view raw;
  for (protobuf p(bytes); p.next();) {
    if (p.number() == 1) p.append_to(t.shape);
    if (p.number() == 2) type = p.integer();
    if (p.number() == 4 || p.number() == 9) raw = p.bytes();  // packed floats are their bytes
    if (p.number() == 5) p.append_to(small);
  }
  std::size_t size = 0;
  switch (type) {
    case 1: t.type = "float32", size = 4; break;
    case 2: t.type = "uint8", size = 1; break;
    case 3: t.type = "int8", size = 1; break;
    case 4: t.type = "uint16", size = 2; break;
    case 5: t.type = "int16", size = 2; break;
    case 6: t.type = "int32", size = 4; break;
    case 10: t.type = "float16", size = 2; break;
    default: throw std::runtime_error("onnx: a tensor type that no test has had yet");
  }
  t.bytes.assign(raw.begin(), raw.end());
  for (const std::int32_t x : small) {
    const auto* first = reinterpret_cast<const std::uint8_t*>(&x);
    t.bytes.insert(t.bytes.end(), first, first + size);
  }
  if (t.bytes.size() != static_cast<std::size_t>(t.count()) * size)
    throw std::runtime_error("onnx: a tensor whose data do not fill its shape");
  return t;
}

/// op and attr_<name> of the first node of a model.
inline std::map<std::string, std::string> read_node(std::string_view model) {
  std::map<std::string, std::string> attributes;
  for (protobuf m(model); m.next();) {
    if (m.number() != 7) continue;
    for (protobuf graph(m.bytes()); graph.next();) {
      if (graph.number() != 1 || attributes.count("op") != 0) continue;
      for (protobuf node(graph.bytes()); node.next();) {
        if (node.number() == 4) attributes["op"] = node.bytes();
        if (node.number() != 5) continue;
        std::string name;
        std::vector<std::int64_t> values;
        for (protobuf a(node.bytes()); a.next();) {
          if (a.number() == 1) name = a.bytes();
          if (a.number() == 3 || a.number() == 8) a.append_to(values);
        }
        std::string& text = attributes["attr_" + name];
        for (const std::int64_t v : values) text += (text.empty() ? "" : ",") + std::to_string(v);
      }
    }
  }
  return attributes;
}

/// Where node tests may be: DYADIC_ONNX_TESTDATA, or where Debian's libonnx-testdata puts them; empty when nowhere.
inline std::filesystem::path onnx_testdata_folder() {
  const char* given = std::getenv("DYADIC_ONNX_TESTDATA");
  for (const std::filesystem::path path : {given == nullptr ? "" : given, "/usr/share/libonnx-testdata/data/node",
                                           "/usr/lib/python3/dist-packages/onnx/backend/test/data/node"}) {
    std::error_code none;
    if (!path.empty() && std::filesystem::is_directory(path, none)) return path;
  }
  return {};
}

/// One node test. An input that is left out has no file, and those after it keep their numbers.
inline vector_case load_onnx_case(const std::filesystem::path& folder) {
  vector_case c;
  c.attributes = read_node(file_bytes(folder / "model.onnx"));
  for (const auto& file : std::filesystem::directory_iterator(folder / "test_data_set_0"))
    if (file.path().extension() == ".pb") c.tensors[file.path().stem().string()] = read_tensor(file_bytes(file.path()));
  return c;
}

}  // namespace support
