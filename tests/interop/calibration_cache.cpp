// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <random>

#include <dyadic/interop/calibration_cache.hpp>

#include "support/data.hpp"

namespace calibration_cache_test {

using namespace dyadic;
using support::text_of;

tensorrt_cache example() {
  return {8601,
          "EntropyCalibration2",
          {{"input", 1.0F / 127.0F}, {"(Unnamed Layer* 0) [Convolution]_output", 2.5F / 127.0F}, {"a: b", 0x1p-149F}}};
}

TEST(CalibrationCache, WritesWhatTensorrtReads) {
  EXPECT_EQ(write_tensorrt_cache(example()),
            "TRT-8601-EntropyCalibration2\n"
            "input: 3c010204\n"
            "(Unnamed Layer* 0) [Convolution]_output: 3ca14285\n"
            "a: b: 00000001\n");
  EXPECT_EQ(tensorrt_scale({-1.0F, 0.5F}), 1.0F / 127.0F);
  EXPECT_EQ(tensorrt_scale({-1.0F, 2.5F}), 2.5F / 127.0F);
}

TEST(CalibrationCache, ReadsWhatTensorrtWrote) {
  EXPECT_EQ(read_tensorrt_cache(write_tensorrt_cache(example())), example());
  EXPECT_EQ(read_tensorrt_cache("TRT-100-MinMaxCalibration\r\nx: 3F800000\r\n"),
            (tensorrt_cache{100, "MinMaxCalibration", {{"x", 1.0F}}}));
  EXPECT_EQ(read_tensorrt_cache("TRT-7103-EntropyCalibration\n").scales.size(), 0U);
}

// A10: a NaN scale from a calibration (TensorRT #2628, #3112) stops here, and so do zeros (#1826).
TEST(CalibrationCache, A10RefusesScalesThatAreNone) {
  const char* head = "TRT-8601-EntropyCalibration2\n";
  const auto text = [head](const char* line) { return text_of(try_read_tensorrt_cache(std::string(head) + line)); };
  EXPECT_EQ(text("x: 7fc00000\n"), "tensorrt cache: 'x' has nan, expected a finite number > 0");
  EXPECT_EQ(text("x: 7f800000\n"), "tensorrt cache: 'x' has inf, expected a finite number > 0");
  EXPECT_EQ(text("x: 00000000\n"), "tensorrt cache: 'x' has 0, expected a finite number > 0");
  EXPECT_EQ(text("x: bf800000\n"), "tensorrt cache: 'x' has -1, expected a finite number > 0");
  tensorrt_cache cache = example();
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 0.0F, -1.0F}) {
    cache.scales[1].value = bad;
    EXPECT_EQ(try_write_tensorrt_cache(cache).error().code(), errc::bad_format);
    EXPECT_EQ(!try_write_onnxruntime_cache(cache.scales), bad != 0.0F) << "a range may be of zeros, a scale may not";
  }
  EXPECT_THROW(write_tensorrt_cache(cache), format_error);
}

TEST(CalibrationCache, RefusesLinesThatAreNoEntries) {
  const auto text = [](const std::string& all) { return text_of(try_read_tensorrt_cache(all)); };
  const std::string head = "TRT-8601-EntropyCalibration2\n";
  EXPECT_EQ(text(""), "tensorrt cache: line 1 is '', expected TRT-<version>-<algorithm> and a line feed");
  for (const char* bad : {"TRT-8601-EntropyCalibration2", "TRT-8601\n", "TRT--x\n", "TRT-1-\n", "TRT-a-b\n",
                          "TRT-1-a b\n", "trt-1-b\n", "TRT-99999999999-b\n", "TRT-\n", "TRT\n", "\n"})
    EXPECT_NE(text(bad).find("line 1 is"), std::string::npos) << bad;
  for (const char* bad : {"x\n", "x:3f800000\n", "x: 3f80000\n", "x: 3f8000000\n", "x: 3f80000g\n", "x: 0x3f8000\n",
                          "x: 3f800000", "\n", "x: \n", ": \n", "x: +3f80000\n"})
    EXPECT_NE(text(head + bad).find("line 2 is"), std::string::npos) << bad;
  EXPECT_EQ(text(head + "x: 3f800000\nx: 3f000000\n"), "tensorrt cache: two entries for 'x', expected one");
  EXPECT_EQ(text(head + ": 3f800000\n"), "tensorrt cache: the name '' is empty or has a space at an end");
  EXPECT_EQ(text(head + "a\tb: 3f800000\n"), "tensorrt cache: the name 'a\tb' holds a control character");
  tensorrt_cache cache = example();
  cache.scales[0].name = "a\nb";
  EXPECT_EQ(text_of(try_write_tensorrt_cache(cache)), "tensorrt cache: the name 'a\nb' holds a control character");
  cache = example();
  cache.algorithm = "two words";
  EXPECT_EQ(text_of(try_write_tensorrt_cache(cache)),
            "tensorrt cache: version 8601 of 'two words', expected a number >= 0 and a word");
}

TEST(CalibrationCache, WritesAndReadsOnnxruntimesTable) {
  const std::vector<calibration_entry> all{{"b", 0.1F}, {"a c", 0.0F}, {"a", 100000.0F}, {"z", 1e-5F}, {"y", 1e20F}};
  const std::string text = write_onnxruntime_cache(all);
  EXPECT_EQ(text,
            "a 100000.0\n"
            "a c 0.0\n"
            "b 0.10000000149011612\n"
            "y 1.0000000200408773e+20\n"
            "z 9.999999747378752e-06\n");
  const std::vector<calibration_entry> sorted{{"a", 100000.0F}, {"a c", 0.0F}, {"b", 0.1F}, {"y", 1e20F}, {"z", 1e-5F}};
  EXPECT_EQ(read_onnxruntime_cache(text), sorted);
  EXPECT_EQ(read_onnxruntime_cache(""), std::vector<calibration_entry>());
  const auto refusal = [](const char* line) { return text_of(try_read_onnxruntime_cache(line)); };
  EXPECT_EQ(refusal("a 1\nb\n"), "onnxruntime cache: line 2 is 'b', expected <name> <number> and a line feed");
  for (const char* bad : {"a 1", "a 1x\n", "a \n", "a 1,5\n", "a 1e999\n"})
    EXPECT_NE(refusal(bad).find("line 1 is"), std::string::npos) << bad;
  EXPECT_EQ(refusal("a 1e39\n"), "onnxruntime cache: 'a' has inf, expected a finite number >= 0");
  EXPECT_EQ(refusal("a nan\n"), "onnxruntime cache: 'a' has nan, expected a finite number >= 0");
  EXPECT_EQ(refusal("a -1e99\n"), "onnxruntime cache: 'a' has -3.40282347e+38, expected a finite number >= 0");
  EXPECT_EQ(refusal("a 1\na 2\n"), "onnxruntime cache: two entries for 'a', expected one");
}

TEST(CalibrationCache, SurvivesEveryChangedByte) {
  const std::string trt = write_tensorrt_cache(example()), ort = write_onnxruntime_cache(example().scales);
  for (std::size_t at = 0; at <= trt.size(); ++at)
    for (int c = 0; c < 256; ++c) {
      std::string changed = trt;
      if (at < trt.size()) changed[at] = static_cast<char>(c);
      for (const std::string& text : {changed, trt.substr(0, at)}) {
        const auto read = try_read_tensorrt_cache(text);
        if (read) {
          ASSERT_EQ(*try_read_tensorrt_cache(write_tensorrt_cache(*read)), *read);
        } else {
          ASSERT_EQ(read.error().code(), errc::bad_format);
        }
      }
      if (at >= ort.size()) continue;
      changed = ort;
      changed[at] = static_cast<char>(c);
      const auto table = try_read_onnxruntime_cache(changed);
      if (table) {
        ASSERT_TRUE(try_read_onnxruntime_cache(write_onnxruntime_cache(*table)));
      } else {
        ASSERT_EQ(table.error().code(), errc::bad_format);
      }
    }
}

}  // namespace calibration_cache_test
