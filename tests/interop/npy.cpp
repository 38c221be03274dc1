// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// .npy files: what is written is read back, and every file that is not sound is refused by a message with its numbers.
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <dyadic/interop/npy.hpp>

namespace npy_test {

using namespace dyadic;
namespace fs = std::filesystem;

/// A folder of its own for each test, so that tests can run side by side.
class Npy : public testing::Test {
 protected:
  Npy() : folder_(fs::path(testing::TempDir()) / ("dyadic_npy_" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~Npy() override { fs::remove_all(folder_); }

  std::string path(const std::string& name = "x.npy") const { return (folder_ / name).string(); }

  void put(const std::string& bytes) const {
    std::ofstream(path(), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::string get() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// The refusal of a file with these bytes, without the path.
  template <class T = float>
  std::string refusal(const std::string& bytes, errc code = errc::bad_format) const {
    put(bytes);
    const auto array = try_read_npy<T>(path());
    if (array) return "accepted";
    EXPECT_EQ(array.error().code(), code);
    return without_path(array.error().message());
  }
  std::string without_path(std::string message) const {
    const std::string name = detail::npy_name(path());
    const std::size_t at = message.find(name);
    return at == std::string::npos ? message : message.replace(at, name.size(), "FILE");
  }

  fs::path folder_;
};

std::string file_of(const std::string& text, const std::string& data, char major = 1) {
  std::string bytes = std::string("\x93NUMPY", 6) + major + '\0';
  bytes += static_cast<char>(text.size() & 255);
  bytes += static_cast<char>(text.size() >> 8);
  if (major == 2) bytes += std::string(2, '\0');
  return bytes + text + data;
}

const std::string pair_text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
const std::string pair_data("\0\0\x80\x3f\0\0\0\xc0", 8);  // 1, -2

template <class T>
class NpyOf : public Npy {};
using elements = testing::Types<float, double, std::int8_t, std::uint8_t, std::int32_t>;
TYPED_TEST_SUITE(NpyOf, elements);

TYPED_TEST(NpyOf, ReadsWhatItWrote) {
  using T = TypeParam;
  const std::vector<T> values{T(0), T(1), T(100), std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max(),
                              T(7)};
  for (const npy_shape& shape : {npy_shape{6}, npy_shape{2, 3}, npy_shape{1, 3, 1, 2, 1, 1, 1, 1}}) {
    write_npy<T>(this->path(), values, shape);
    const npy_array<T> array = read_npy<T>(this->path(), shape);
    EXPECT_EQ(array.shape, shape);
    EXPECT_EQ(std::vector<T>(array.data.begin(), array.data.end()), values);
    EXPECT_FALSE(fs::exists(this->path() + ".partial"));
  }
}

TEST_F(Npy, ReadsAndWritesOneNumberAndNone) {
  write_npy<float>(path(), std::vector<float>{2.5f}, {});
  EXPECT_EQ(read_npy<float>(path(), {}).data[0], 2.5f);
  write_npy<float>(path(), {}, {3, 0});
  EXPECT_EQ(read_npy<float>(path(), {3, 0}).data.size(), 0);
}

TEST_F(Npy, ReadsBothFormats) {
  for (const char major : {'\1', '\2'}) {
    put(file_of(pair_text, pair_data, major));
    const auto array = read_npy<float>(path(), {2});
    EXPECT_EQ(array.data[0], 1.0f);
    EXPECT_EQ(array.data[1], -2.0f);
  }
}

TEST_F(Npy, KeepsEveryBitOfANaN) {
  const std::string data("\x01\x02\xa0\x7f\xff\xff\xff\xff", 8);
  put(file_of(pair_text, data));
  const auto array = read_npy<float>(path());
  EXPECT_EQ(std::memcmp(array.data.data(), data.data(), 8), 0);
}

TEST_F(Npy, RefusesFilesThatAreNotSound) {
  const auto text = [](const char* type, const char* order, const char* shape) {
    return file_of(std::string("{'descr': '") + type + "', 'fortran_order': " + order + ", 'shape': " + shape + "}\n",
                   pair_data);
  };
  const std::string sound = file_of(pair_text, pair_data);
  EXPECT_EQ(refusal(sound), "accepted");
  EXPECT_EQ(refusal(""), "npy: FILE holds 0 bytes, expected at least 12");
  EXPECT_EQ(refusal(sound.substr(0, 11)), "npy: FILE holds 11 bytes, expected at least 12");
  EXPECT_EQ(refusal("PK\3\4" + sound), "npy: FILE does not start with the 6 bytes \\x93NUMPY");
  EXPECT_EQ(refusal(file_of(pair_text, pair_data, 3)), "npy: FILE has format 3.0, expected 1.0 or 2.0");
  EXPECT_EQ(refusal(sound.substr(0, 40)), "npy: FILE holds 40 bytes, expected a header of 68");
  EXPECT_EQ(refusal(file_of(std::string(10001, ' '), "")),
            "npy: FILE has a header of 10001 bytes, expected at most 10000");
  EXPECT_EQ(refusal(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12)),
            "npy: FILE has a header of 4294967295 bytes, expected at most 10000");
  EXPECT_EQ(refusal(text("<f4", "Maybe", "(2,)")),
            "npy: FILE has a malformed header at its character 34 of 56, expected a dictionary of 'descr', "
            "'fortran_order' and 'shape'");
  EXPECT_EQ(refusal(text("<f8", "False", "(1,)")), "npy: FILE has elements of type '<f8', expected '<f4'");
  EXPECT_EQ(refusal(text(">f4", "False", "(2,)")), "npy: FILE has elements of type '>f4', expected '<f4'");
  EXPECT_EQ(refusal<std::int8_t>(sound), "npy: FILE has elements of type '<f4', expected '|i1'");
  EXPECT_EQ(refusal(text("<f4", "True", "(2,)")), "npy: FILE is in Fortran order, expected C order");
  EXPECT_EQ(refusal(text("<f4", "False", "(1,1,1,1,1,1,1,1,2)")), "npy: FILE: rank is 9, expected at most 8");
  EXPECT_EQ(refusal(text("<f4", "False", "(4294967296, 2147483648)")),
            "npy: FILE: size: 4294967296 x 2147483648 exceeds 9223372036854775807");
  EXPECT_EQ(refusal(text("<f4", "False", "(4611686018427387904,)")),
            "npy: FILE: 4611686018427387904 elements of 4 bytes exceed 9223372036854775807 bytes");
  // A shape that would ask for 4 TB is refused by the size of the file, before anything is allocated.
  EXPECT_EQ(refusal(text("<f4", "False", "(1000000, 1000000)")),
            "npy: FILE holds 88 bytes, expected 4000000000080 (80 before the data and 1000000000000 elements of 4)");
}

TEST_F(Npy, RefusesAFileTooShortOrTooLong) {
  const std::string sound = file_of(pair_text, pair_data);
  EXPECT_EQ(refusal(sound.substr(0, 75)),
            "npy: FILE holds 75 bytes, expected 76 (68 before the data and 2 elements of 4)");
  EXPECT_EQ(refusal(sound + '\0'), "npy: FILE holds 77 bytes, expected 76 (68 before the data and 2 elements of 4)");
}

TEST_F(Npy, RefusesAnotherShape) {
  write_npy<float>(path(), std::vector<float>(6), {2, 3});
  const auto array = try_read_npy<float>(path(), {3, 2});
  ASSERT_FALSE(array);
  EXPECT_EQ(array.error().code(), errc::bad_format);
  EXPECT_EQ(without_path(array.error().message()), "npy: FILE has shape (2, 3), expected (3, 2)");
}

TEST_F(Npy, RefusesAMissingFileAndAFolder) {
  const auto missing = try_read_npy<float>(path());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), errc::io);
  EXPECT_EQ(without_path(missing.error().message()), "npy: FILE cannot be opened for reading");
  const auto folder = try_read_npy<float>(folder_);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), errc::io);
  EXPECT_THROW(read_npy<float>(path()), format_error);
}

TEST_F(Npy, RefusesToWriteAnotherNumberOfElements) {
  const auto refused = [&](const npy_shape& shape, errc code) {
    const auto written = try_write_npy<float>(path(), std::vector<float>(6), shape);
    if (written) return std::string("accepted");
    EXPECT_EQ(written.error().code(), code);
    EXPECT_FALSE(fs::exists(path()));
    return without_path(written.error().message());
  };
  EXPECT_EQ(refused({2, 4}, errc::invalid_shape), "npy: FILE: shape (2, 4) has 8 elements, the data have 6");
  EXPECT_EQ(refused({-6}, errc::invalid_shape), "npy: FILE: size: 1 x -6 has a negative factor, expected both >= 0");
  EXPECT_EQ(refused({1, 1, 1, 1, 1, 1, 1, 1, 6}, errc::invalid_shape), "npy: FILE: rank is 9, expected at most 8");
  EXPECT_EQ(refused({1L << 62, 2}, errc::overflow),
            "npy: FILE: size: 4611686018427387904 x 2 exceeds 9223372036854775807");
  EXPECT_THROW(write_npy<float>(path(), std::vector<float>(6), {5}), std::invalid_argument);
}

TEST_F(Npy, LeavesTheOldFileWhenItCannotWrite) {
  const auto nowhere = try_write_npy<float>(path("no/such/folder.npy"), std::vector<float>(1), {1});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code(), errc::io);

  fs::create_directories(path() + "/in_the_way");  // the rename fails: a file cannot replace a folder
  const auto blocked = try_write_npy<float>(path(), std::vector<float>(6), {6});
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().code(), errc::io);
  EXPECT_EQ(without_path(blocked.error().message()), "npy: FILE cannot be written (6 elements of 4 bytes)");
  EXPECT_TRUE(fs::exists(path() + "/in_the_way"));
  EXPECT_FALSE(fs::exists(path() + ".partial"));
}

TEST_F(Npy, ReportsAFullDisk) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  fs::create_symlink("/dev/full", path() + ".partial");
  const auto written = try_write_npy<float>(path(), std::vector<float>(6), {6});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), errc::io);
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(Npy, NamesTheEndOfALongPath) {
  const auto missing = try_read_npy<float>(std::string(300, 'd') + "/weights.npy");
  ASSERT_FALSE(missing);
  EXPECT_EQ(std::string(missing.error().message()),
            "npy: " + std::string(84, 'd') + "/weights.npy cannot be opened for reading");
}

// Every prefix but the whole is refused.
TEST_F(Npy, RefusesEveryPrefix) {
  const std::string sound = file_of(pair_text, pair_data);
  for (std::size_t size = 0; size < sound.size(); ++size) {
    EXPECT_NE(refusal(sound.substr(0, size)), "accepted") << size << " bytes";
  }
}

// Every file one byte away is refused or read as a valid array. How many are read can be counted by hand: 255 others
// for each of the 8 bytes of data; in the header a newline for each of the 6 spaces, a space for the newline, and
// either of them for the last comma.
TEST_F(Npy, SurvivesEverySingleByteSubstitution) {
  const std::string sound = file_of(pair_text, pair_data);
  std::size_t accepted_data = 0, accepted_header = 0;
  for (std::size_t at = 0; at < sound.size(); ++at) {
    put(sound);
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    for (int other = 0; other < 256; ++other) {
      if (static_cast<char>(other) == sound[at]) continue;
      file.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(other)).flush();
      const auto array = try_read_npy<float>(path());
      if (!array) {
        EXPECT_TRUE(array.error().code() == errc::bad_format) << array.error().message();
        continue;
      }
      (at < 68 ? accepted_header : accepted_data) += 1;
      EXPECT_EQ((*array).shape, (npy_shape{2})) << "byte " << at << " = " << other;
      EXPECT_EQ((*array).data.size(), 2);
    }
  }
  EXPECT_EQ(accepted_data, 8u * 255u);
  EXPECT_EQ(accepted_header, 9u);
}

}  // namespace npy_test
