// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Squares whose area is the number, full for and hollow against, on one scale for both maps.
#include <dyadic/interop/report/maps.hpp>

#include <gtest/gtest.h>

#include "interop/report/drawn.hpp"

namespace maps_test {

using namespace dyadic::charts;

TEST(Maps, AreaIsTheAmountAndFillTheSign) {
  const map_pair pair{.title = "t",
                      .width = 2,
                      .height = 2,
                      .first = {1, -1, 0.25, 0},
                      .second = {0.5, 0, 0, -0.25},
                      .first_name = "float",
                      .second_name = "quantized"};
  const std::string drawn = draw(pair);
  support::expect_inside(drawn, "maps");
  const auto full = support::elements_of(drawn, "rect", "for"), hollow = support::elements_of(drawn, "rect", "against");
  ASSERT_EQ(full.size(), 3U);
  ASSERT_EQ(hollow.size(), 2U);
  const double side = full[0].number("width");
  EXPECT_NEAR(full[1].number("width"), side * std::sqrt(0.25), 0.15);
  EXPECT_NEAR(full[2].number("width"), side * std::sqrt(0.5), 0.15) << "the same scale in both maps";
  EXPECT_NEAR(hollow[0].number("width"), side - 1.2, 0.15) << "with its line as large as a full one";
  EXPECT_LT(full[1].number("x"), hollow[0].number("x")) << "row by row";
  EXPECT_GT(full[1].number("y"), full[0].number("y"));
}

TEST(Maps, ImagesAreRunsOfShades) {
  map_pair pair{
      .title = "t", .width = 1, .height = 1, .first = {1}, .second = {1}, .first_name = "a", .second_name = "b"};
  pair.image_width = 4, pair.image_height = 2;
  pair.image = {0, 1, 1, 1, 2, -1, 0.5, 0.5};
  const std::string drawn = draw(pair);
  support::expect_inside(drawn, "maps");
  const auto darkest = support::elements_of(drawn, "path", "g7");
  ASSERT_EQ(darkest.size(), 1U);
  EXPECT_EQ(std::count(darkest[0].attributes.at("d").begin(), darkest[0].attributes.at("d").end(), 'M'), 2)
      << "three ones beside each other are one run, and 2 is as dark as 1";
  EXPECT_EQ(support::elements_of(drawn, "path", "g4").size(), 1U);
  EXPECT_EQ(support::elements_of(drawn, "path", "shade").size(), 2U);
}

TEST(Maps, NothingAndNoNumbers) {
  const map_pair pair{.title = "t",
                      .width = 2,
                      .height = 1,
                      .first = {0, std::nan("")},
                      .second = {HUGE_VAL, 0},
                      .first_name = "a",
                      .second_name = "b"};
  const std::string drawn = draw(pair);
  support::expect_inside(drawn, "maps");
  EXPECT_EQ(drawn.find("nan"), std::string::npos);
  EXPECT_EQ(drawn.find("inf"), std::string::npos);
}

}  // namespace maps_test
