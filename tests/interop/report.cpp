// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reports as files: written whole or not at all, and refused when their lists do not fit together.
#include <dyadic/interop/report.hpp>

#include <unistd.h>

#include <filesystem>
#include <functional>

#include <gtest/gtest.h>

#include "house/house.hpp"
#include "interop/report/drawn.hpp"
#include "support/data.hpp"

namespace report_test {

using namespace dyadic;
namespace fs = std::filesystem;

class Report : public testing::Test {
 protected:
  Report() : folder_(fs::path(testing::TempDir()) / ("dyadic_report_" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~Report() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

TEST_F(Report, WritesBothFilesAndNothingElse) {
  const report r = support::full_report("word");
  write_report(r, path("a.html"), path("a.json"));
  EXPECT_EQ(house::read(path("a.html")), html_of(r));
  EXPECT_EQ(house::read(path("a.json")), json_of(r));
  write_report(report{}, path("a.html"), "");
  EXPECT_EQ(house::read(path("a.html")), html_of(report{})) << "what was there is replaced";
  EXPECT_EQ(house::read(path("a.json")), json_of(r)) << "an empty path leaves a file out";
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}), 2);
}

TEST_F(Report, AFileThatCannotBeWrittenIsNamed) {
  const std::string nowhere = path("no/such/folder.html");
  const auto refused = try_write_report(report{}, nowhere, "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::io);
  EXPECT_NE(support::text_of(refused).find("no/such/folder.html cannot be opened for writing"), std::string::npos);
  EXPECT_THROW(write_report(report{}, "", nowhere), format_error);
  fs::create_directories(path("folder.html"));
  EXPECT_NE(support::text_of(try_write_report(report{}, path("folder.html"), "")).find("cannot be written"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(path("folder.html.partial")));
}

TEST_F(Report, ListsThatDoNotFitAreRefusedBeforeAnythingIsWritten) {
  const std::pair<std::function<void(report&)>, const char*> cases[] = {
      {[](report& r) { r.saliencies[0].quantized.pop_back(); },
       "report: saliency 'word' has 6 and 5 numbers for 3 x 2"},
      {[](report& r) { r.saliencies[0].width = 0; }, "report: saliency 'word' has 6 and 6 numbers for 3 x 0"},
      {[](report& r) { r.saliencies[0].image.pop_back(); }, "report: saliency 'word' has 5 pixels for 2 x 3"},
      {[](report& r) { r.saliencies[0].image_width = -3; }, "report: saliency 'word' has 6 pixels for 2 x -3"},
      {[](report& r) { r.histograms[0].counts.clear(); }, "report: histogram 'word' of 0 bins over [-1, 3]"},
      {[](report& r) { r.histograms[0].high = -1; }, "report: histogram 'word' of 5 bins over [-1, -1]"},
      {[](report& r) { r.histograms[0].low = report::unknown; }, "report: histogram 'word' of 5 bins over [nan, 3]"},
      {[](report& r) { r.robustness[0].curves[1].strength.pop_back(); },
       "report: curve 'word' has 2 accuracies for 1 strengths"}};
  for (const auto& [spoil, message] : cases) {
    report r = support::full_report("word");
    spoil(r);
    EXPECT_EQ(support::text_of(try_write_report(r, path("b.html"), path("b.json"))), message);
    EXPECT_FALSE(fs::exists(path("b.html"))) << message;
  }
}

}  // namespace report_test
