// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// report: what was found out about one quantized network, as plain numbers and words, ready to be written down.
//
// Fill what you have and leave the rest empty: an empty part is absent from the page and an empty list in the JSON. A
// number that nobody measured is NaN: null in the JSON, a dash on the page. Shares and accuracies are in [0, 1].
// Nothing here computes; where an interval is asked for, low and high are its ends and NaN means none.
//
// The structs hold the library's results as numbers and not as its types, so that results from elsewhere fit as well.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

struct report {
  /// Of the JSON: raised when a key changes its meaning or goes away. New keys do not raise it.
  static constexpr int format_version = 1;
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

  std::string title, network, data;  ///< data: what was run, and how much of it
  std::string plan_digest, instruction_set;
  /// What must be said beside the numbers: what they hold for, what they do not show.
  std::vector<std::string> remarks{};

  /// One precision of the network: for the accuracy/size frontier, beside `reference`, the first.
  struct form {
    std::string name;
    double bytes = unknown, accuracy = unknown, low = unknown, high = unknown;  ///< interval of the accuracy
    double agreement = unknown;               ///< share of answers equal to the reference's
    double kl = unknown, kl_error = unknown;  ///< divergence from the reference in nats, and its standard error
  };
  std::vector<form> forms{};

  /// A place where a quantizer stands.
  struct site {
    std::string name, weights;  ///< weights: their scheme, or nothing
    double scale = unknown;
    int zero_point = 0;
    double local_sqnr = unknown, accumulated_sqnr = unknown;     ///< dB
    double cosine = unknown, bias = unknown, largest = unknown;  ///< of the accumulated error
    double rmse_in_steps = unknown;                              ///< local; 0.289 is rounding alone
    double clipped = unknown;                                    ///< share of the numbers
  };
  std::vector<site> sites{};

  /// Numbers of a site in bins of equal width, and the range its quantizer keeps.
  struct histogram {
    std::string name;
    double low = 0, high = 1;  ///< ends of the first and of the last bin
    std::vector<double> counts{};
    double clip_low = unknown, clip_high = unknown;
  };
  std::vector<histogram> histograms{};

  /// Parts of a loss that add up to it.
  struct attribution_part {
    std::string name;
    double value = unknown, error = unknown;  ///< error: standard error
    std::string advice{};
  };
  struct attribution_result {
    std::string method, loss;
    double total = unknown, relative_gap = unknown;  ///< gap: |sum of the parts - total| / |total|
    std::vector<attribution_part> parts{};
  } attribution{};

  /// A bound of |quantized - float| at one site, beside the largest error that a search found.
  struct bound_point {
    std::string site;
    double measured = unknown, bound = unknown;
  };
  struct bound {
    std::string network;
    int bits = 0;
    double radius = unknown;
    std::string form;
    std::int64_t samples = 0, escapes = 0;
    double tightness = unknown;  ///< bound / largest found, at the output
    double certified = unknown;  ///< share of the images whose decision provably equals the float model's
    bool vacuous = false;        ///< the bound reaches the range of the output
    std::vector<bound_point> points{};
  };
  std::vector<bound> bounds{};

  /// What changed for a class, or for a group of the user's.
  struct group {
    std::string name;
    std::int64_t count = 0, broken = 0, fixed = 0;
    double difference = unknown, low = unknown, high = unknown;  ///< accuracy now - accuracy before, and its interval
    double p = unknown;                                          ///< corrected for the number of groups
    bool enough = true;                                          ///< enough data to say anything
  };
  std::vector<group> classes{}, groups{};

  /// Accuracy against the strength of an attack or corruption.
  struct curve {
    std::string name;
    std::vector<double> strength{}, accuracy{}, low{}, high{};  ///< low and high: as many as accuracy, or none
  };
  struct robustness_result {
    std::string attack, unit;  ///< unit of the strength
    std::vector<curve> curves{};
    std::vector<std::string> flags{};  ///< signs that an attack did not work as it should
  };
  std::vector<robustness_result> robustness{};

  /// What an input's parts contribute to a decision, in float and quantized. (height, width), row by row.
  struct saliency {
    std::string name;
    int width = 0, height = 0;
    std::vector<double> reference{}, quantized{};
    int image_width = 0, image_height = 0;
    std::vector<double> image{};                       ///< in [0, 1], 0 is the background
    double spearman = unknown, noise_floor = unknown;  ///< noise_floor: the same for a slightly changed input
    double completeness_gap = unknown;
  };
  std::vector<saliency> saliencies{};

  struct monitor_result {
    double overhead_ratio = unknown, low = unknown, high = unknown;
    std::int64_t images = 0;
    bool same_outputs = false;
  } monitor{};

  /// How a stream of inferences was judged.
  struct drift_case {
    std::string name;
    double psi = unknown, p = unknown;
    double delay = unknown;  ///< inferences until the alarm
    bool alarm = false;
  };
  std::vector<drift_case> drift{};

  /// A new plan for inputs that have changed.
  struct recalibration_case {
    std::string name, outcome;
    double sqnr_before = unknown, sqnr_after = unknown;  ///< dB at the result, on images that did not propose
  };
  std::vector<recalibration_case> recalibrations{};

  struct replay_result {
    std::int64_t records = 0, equal = 0;
    std::vector<std::string> instruction_sets{};
    std::string head;
    bool log_intact = false;
  } replay{};
};

}  // namespace dyadic::inline DYADIC_ABI
