// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of a .npy header: what is accepted, what is refused, and what is written.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <dyadic/interop/npy_header.hpp>

namespace npy_header_test {

using namespace dyadic;
using detail::npy_header;

constexpr bool accepts(std::string_view text) { return npy_header(text).parse(); }

constexpr bool means(std::string_view text, std::string_view type, bool fortran_order, npy_shape shape) {
  npy_header header(text);
  return header.parse() && std::string_view(header.type.data()) == type && header.fortran_order == fortran_order &&
         header.shape == shape;
}

// What NumPy writes, for each rank; what other writers write: any order, either quote, spaces, no last comma.
static_assert(means("{'descr': '<f4', 'fortran_order': False, 'shape': (32, 9), }   \n", "<f4", false, {32, 9}));
static_assert(means("{'descr': '|i1', 'fortran_order': True, 'shape': (7,), }\n", "|i1", true, {7}));
static_assert(means("{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", "<f8", false, {}));
static_assert(means("{'shape':(1,2,3),'fortran_order':False,'descr':'<i4'}", "<i4", false, {1, 2, 3}));
static_assert(means("{ \"descr\" : \"|u1\" , 'fortran_order' : False , 'shape' : ( 4 , 5 , ) }", "|u1", false, {4, 5}));
static_assert(means("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,), }", "<f4", false,
                    {9223372036854775807}));

// Not a dictionary of exactly these three.
static_assert(!accepts(""));
static_assert(!accepts("{}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), } x"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'shape': (4,)}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}"));
static_assert(!accepts("{'descr': '<f4' 'fortran_order': False, 'shape': (3,)}"));
static_assert(!accepts("{'descr': '<f4\", 'fortran_order': False, 'shape': (3,)}"));

// Values that are something else.
static_assert(!accepts("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}"));
static_assert(!accepts("{'descr': 'a type with spaces', 'fortran_order': False, 'shape': (3,)}"));
static_assert(!accepts("{'descr': '0123456789abcdef', 'fortran_order': False, 'shape': (3,)}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': Falsely, 'shape': (3,)}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (3)}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': 3}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (,)}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}"));
static_assert(!accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)}"));

static_assert(detail::npy_element<float> && detail::npy_element<std::int32_t> && !detail::npy_element<std::int16_t>);

TEST(NpyHeader, SaysWhereTheTextCeasesToBeOne) {
  npy_header header("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,)}");
  EXPECT_FALSE(header.parse());
  EXPECT_EQ(header.at(), 34u);  // the M
}

TEST(NpyHeader, WritesWhatNumPyWrites) {
  const std::string given = detail::make_npy_header({32, 9}, "<f4");
  const std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (32, 9), }";
  ASSERT_EQ(given.size(), 128u);
  EXPECT_EQ(given.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(given.substr(10), text + std::string(117 - text.size(), ' ') + "\n");
}

TEST(NpyHeader, WritesTextItReadsAtEveryRank) {
  npy_shape shape;
  for (int rank = 0; rank <= npy_shape::max_rank; shape.push_back(index_t{1000000007} * ++rank)) {
    const std::string given = detail::make_npy_header(shape, "|u1");
    EXPECT_EQ(given.size() % 64, 0u);
    EXPECT_TRUE(means(std::string_view(given).substr(10), "|u1", false, shape)) << given;
  }
}

TEST(NpyHeader, CountsElementsOrSaysWhyNot) {
  EXPECT_EQ(*npy_shape{}.elements(), 1);
  EXPECT_EQ(*(npy_shape{3, 0, 5}).elements(), 0);
  EXPECT_EQ(*(npy_shape{2, 3, 4, 5}).elements(), 120);
  EXPECT_STREQ((npy_shape{1, 1, 1, 1, 1, 1, 1, 1, 1}).elements().error().message(), "rank is 9, expected at most 8");
  EXPECT_EQ((npy_shape{1, 1, 1, 1, 1, 1, 1, 1, 1}).elements().error().code(), errc::invalid_shape);
  EXPECT_EQ((npy_shape{-1}).elements().error().code(), errc::invalid_shape);
  EXPECT_EQ((npy_shape{1L << 32, 1L << 31}).elements().error().code(), errc::overflow);
}

TEST(NpyHeader, SpellsShapesAsPythonDoes) {
  EXPECT_EQ(detail::npy_text({}), "()");
  EXPECT_EQ(detail::npy_text({7}), "(7,)");
  EXPECT_EQ(detail::npy_text({7, 8}), "(7, 8)");
  EXPECT_EQ(detail::npy_text({1, 2, 3, 4, 5, 6, 7, 8, 9}), "(1, 2, 3, 4, 5, 6, 7, 8, ...)");
}

}  // namespace npy_header_test
