// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Trains the classifier of the demo in float, with Eigen and hand-written backward passes, and writes its weights.
//
// The network, on images of 28 x 28 bytes read as floats pixel / 255, all tensors NHWC, all weights (out, k) row-major:
//
//   conv1   3x3, pad 1, 1 -> 32     k = (kh, kw, cin)     28x28 -> relu, max pool 2x2 -> 14x14
//   conv2   3x3, pad 1, 32 -> 64    k = (kh, kw, cin)     14x14 -> relu, max pool 2x2 ->  7x7
//   fc1     3136 -> 64, relu        k = (h, w, c)
//   fc2     64 -> 10
//
// Training: AdamW with a cosine schedule, flips and shifts of the images, dropout before fc1 and fc2. A fixed number of
// epochs, and the last weights are the ones written: the test images are measured but choose nothing.
//
// The same seed gives the same weights on the same machine and build, whatever the number of threads: a batch is cut
// into shards of fixed size, gradients are added in shard order, and every image draws its random numbers from a
// stream of its own. (Another instruction set adds floats in another order: the weights then differ a little.)
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <numbers>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <dyadic/interop/npy.hpp>

#include "support/mnist.hpp"
#include "support/progress.hpp"

namespace {

using index = Eigen::Index;
using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using matrix_map = Eigen::Map<matrix>;
using vector = Eigen::VectorXf;
using mask = Eigen::Array<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// ---------------------------------------------------------------------------------------------------------------------
// Settings, chosen by training on the first 50,000 training images and measuring on the other 10,000.

constexpr index batch = 128, shard = 16, shards = batch / shard;
constexpr float peak_rate = 2e-3f, weight_decay = 0.05f, beta1 = 0.9f, beta2 = 0.999f;
constexpr float drop_flat = 0.25f, drop_hidden = 0.25f;
constexpr int max_shift = 1;

struct options {
  std::filesystem::path data = "/usr/share/datasets/fashion-mnist", out = ".";
  unsigned epochs = 24;
  std::uint64_t seed = 1;
};

// ---------------------------------------------------------------------------------------------------------------------
// Random numbers: splitmix64, because the standard distributions give other numbers in every library.

class random_stream {
 public:
  template <class... Keys>
  explicit random_stream(Keys... keys) {
    ((state_ = (*this)() ^ static_cast<std::uint64_t>(keys)), ...);
  }
  std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  /// 0 to n - 1, for n far below 2^32.
  std::uint64_t below(std::uint64_t n) { return ((*this)() >> 32) * n >> 32; }
  /// [0, 1), all 24 bits a float can hold there.
  float uniform() { return static_cast<float>((*this)() >> 40) * 0x1p-24f; }

 private:
  std::uint64_t state_ = 0;
};

// ---------------------------------------------------------------------------------------------------------------------
// Parameters: one flat vector, so that the optimizer and the sum of gradients are one line each; a layer sees its part.

struct layer {
  const char* name;
  index out, in;
};
constexpr std::array<layer, 4> layers{{{"conv1", 32, 9}, {"conv2", 64, 288}, {"fc1", 64, 3136}, {"fc2", 10, 64}}};
enum { conv1, conv2, fc1, fc2 };

constexpr index offset(std::size_t l) {
  index sum = 0;
  for (std::size_t i = 0; i < l; ++i) sum += layers[i].out * (layers[i].in + 1);
  return sum;
}
constexpr index parameters = offset(layers.size());

matrix_map weight(vector& flat, std::size_t l) { return {flat.data() + offset(l), layers[l].out, layers[l].in}; }
Eigen::Map<Eigen::RowVectorXf> bias(vector& flat, std::size_t l) {
  return {flat.data() + offset(l) + layers[l].out * layers[l].in, layers[l].out};
}

/// He initialisation: uniform with variance 2 / fan-in; biases 0.
vector initial_parameters(std::uint64_t seed) {
  vector flat = vector::Zero(parameters);
  random_stream random(seed, 0x696e6974);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const float limit = std::sqrt(6.0f / static_cast<float>(layers[l].in));
    for (float& w : weight(flat, l).reshaped<Eigen::RowMajor>()) w = limit * (2 * random.uniform() - 1);
  }
  return flat;
}

// ---------------------------------------------------------------------------------------------------------------------
// The three operations with a shape. side: height and width before the operation; c: channels, the fastest index.

/// x (n * side * side, c) -> patches (n * side * side, 9 * c) of the 3x3 neighbourhoods, zero outside the image.
void im2col(const matrix& x, index side, matrix& patches) {
  const index c = x.cols(), n = x.rows() / (side * side);
  patches.setZero(x.rows(), 9 * c);
  for (index i = 0; i < n; ++i)
    for (index h = 0; h < side; ++h)
      for (index w = 0; w < side; ++w) {
        float* out = &patches((i * side + h) * side + w, 0);
        const index first = std::max<index>(w - 1, 0), last = std::min(w + 1, side - 1);
        for (index kh = std::max<index>(-h, -1); kh <= std::min<index>(side - 1 - h, 1); ++kh)
          std::copy_n(&x((i * side + h + kh) * side + first, 0), (last - first + 1) * c,
                      out + ((kh + 1) * 3 + first - w + 1) * c);
      }
}

/// The transpose of im2col: adds every patch entry to the pixel it came from.
void col2im(const matrix& patches, index side, matrix& x) {
  const index c = patches.cols() / 9, n = patches.rows() / (side * side);
  x.setZero(patches.rows(), c);
  for (index i = 0; i < n; ++i)
    for (index h = 0; h < side; ++h)
      for (index w = 0; w < side; ++w) {
        const float* in = &patches((i * side + h) * side + w, 0);
        const index first = std::max<index>(w - 1, 0), last = std::min(w + 1, side - 1);
        for (index kh = std::max<index>(-h, -1); kh <= std::min<index>(side - 1 - h, 1); ++kh) {
          float* to = &x((i * side + h + kh) * side + first, 0);
          const float* from = in + ((kh + 1) * 3 + first - w + 1) * c;
          for (index k = 0; k < (last - first + 1) * c; ++k) to[k] += from[k];
        }
      }
}

/// relu and 2x2 max pool in one: y = max(0, the four). winner says which of the four it was, 4 if the relu cut it off.
void relu_pool(const matrix& x, index side, matrix& y, mask& winner) {
  const index c = x.cols(), half = side / 2, rows = x.rows() / 4;
  y.resize(rows, c), winner.resize(rows, c);
  for (index r = 0; r < rows; ++r) {
    const float* top = &x(r / half * 2 * side + r % half * 2, 0);
    const float* in[4] = {top, top + c, top + side * c, top + (side + 1) * c};
    float* best = &y(r, 0);
    std::uint8_t* which = &winner(r, 0);
    for (index k = 0; k < c; ++k) best[k] = 0, which[k] = 4;
    for (std::uint8_t j = 0; j < 4; ++j)
      for (index k = 0; k < c; ++k) {
        which[k] = in[j][k] > best[k] ? j : which[k];
        best[k] = in[j][k] > best[k] ? in[j][k] : best[k];
      }
  }
}

/// The gradient goes to the winner.
void relu_pool_backward(const matrix& dy, const mask& winner, index side, matrix& dx) {
  const index c = dy.cols(), half = side / 2;
  dx.resize(dy.rows() * 4, c);
  for (index r = 0; r < dy.rows(); ++r) {
    float* top = &dx(r / half * 2 * side + r % half * 2, 0);
    float* out[4] = {top, top + c, top + side * c, top + (side + 1) * c};
    for (std::uint8_t j = 0; j < 4; ++j)
      for (index k = 0; k < c; ++k) out[j][k] = winner(r, k) == j ? dy(r, k) : 0.0f;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// One thread's network: the activations of a shard, kept between the forward and the backward pass.

class worker {
 public:
  /// n images as they are, to logits (n, 10).
  const matrix& predict(vector& p, const dataset& data, index first, index n) {
    input_.resize(n * 784, 1);
    for (index i = 0; i < n * 784; ++i)
      input_(i, 0) = static_cast<float>(data.images[static_cast<std::size_t>(first * 784 + i)]) / 255;
    convolve(p);
    hidden_ = ((flat(pool2_) * weight(p, fc1).transpose()).rowwise() + bias(p, fc1)).cwiseMax(0);
    logits_ = (hidden_ * weight(p, fc2).transpose()).rowwise() + bias(p, fc2);
    return logits_;
  }

  /// The gradient of the mean loss of a batch with respect to p, the part that these images of it contribute.
  /// \returns the sum of the cross-entropies.
  float train(vector& p, const dataset& data, std::span<const std::uint32_t> images, std::uint64_t seed, unsigned epoch,
              vector& gradient) {
    const index n = static_cast<index>(images.size());
    input_.resize(n * 784, 1), keep_flat_.resize(n, 3136), keep_hidden_.resize(n, 64);
    for (index i = 0; i < n; ++i) {
      random_stream random(seed, epoch, images[static_cast<std::size_t>(i)]);
      augment(data.image(images[static_cast<std::size_t>(i)]), random, &input_(i * 784, 0));
      for (auto& k : keep_flat_.row(i)) k = random.uniform() < drop_flat ? 0 : 1 / (1 - drop_flat);
      for (auto& k : keep_hidden_.row(i)) k = random.uniform() < drop_hidden ? 0 : 1 / (1 - drop_hidden);
    }
    convolve(p);
    dropped_ = flat(pool2_).cwiseProduct(keep_flat_);
    hidden_ = ((dropped_ * weight(p, fc1).transpose()).rowwise() + bias(p, fc1)).cwiseMax(0).cwiseProduct(keep_hidden_);
    logits_ = (hidden_ * weight(p, fc2).transpose()).rowwise() + bias(p, fc2);

    // Softmax and cross-entropy: the gradient at the logits is probability - target.
    logits_.colwise() -= logits_.rowwise().maxCoeff().eval();
    matrix delta = logits_.array().exp();
    const Eigen::VectorXf sum = delta.rowwise().sum();
    float loss = 0;
    for (index i = 0; i < n; ++i) {
      const index label = data.labels[images[static_cast<std::size_t>(i)]];
      loss += std::log(sum(i)) - logits_(i, label);
      delta.row(i) /= sum(i);
      delta(i, label) -= 1;
    }
    delta /= static_cast<float>(batch);

    backward(gradient, fc2, delta, hidden_);
    // hidden_ > 0 exactly where neither the relu nor the dropout cut.
    matrix dhidden = (hidden_.array() > 0).select((delta * weight(p, fc2)).cwiseProduct(keep_hidden_), 0);
    backward(gradient, fc1, dhidden, dropped_);
    dropped_ = (dhidden * weight(p, fc1)).cwiseProduct(keep_flat_);
    relu_pool_backward(matrix_map(dropped_.data(), n * 49, 64), winner2_, 14, conv2_);
    backward(gradient, conv2, conv2_, patches2_);
    patches2_ = conv2_ * weight(p, conv2);
    col2im(patches2_, 14, pool1_);
    relu_pool_backward(pool1_, winner1_, 28, conv1_);
    backward(gradient, conv1, conv1_, patches1_);
    return loss;
  }

 private:
  static matrix_map flat(matrix& pooled) { return {pooled.data(), pooled.rows() / 49, 3136}; }

  void convolve(vector& p) {
    im2col(input_, 28, patches1_);
    conv1_ = (patches1_ * weight(p, conv1).transpose()).rowwise() + bias(p, conv1);
    relu_pool(conv1_, 28, pool1_, winner1_);
    im2col(pool1_, 14, patches2_);
    conv2_ = (patches2_ * weight(p, conv2).transpose()).rowwise() + bias(p, conv2);
    relu_pool(conv2_, 14, pool2_, winner2_);
  }

  /// y = x W^T + b, so dW = dy^T x and db = the sum of the rows of dy.
  static void backward(vector& gradient, std::size_t l, const matrix& dy, const matrix& x) {
    weight(gradient, l).noalias() = dy.transpose() * x;
    bias(gradient, l) = dy.colwise().sum();
  }

  /// One image in two is mirrored; all are moved by up to max_shift pixels each way.
  static void augment(std::span<const std::uint8_t> image, random_stream& random, float* out) {
    const bool mirror = random.below(2) == 1;
    const int dy = static_cast<int>(random.below(2 * max_shift + 1)) - max_shift;
    const int dx = static_cast<int>(random.below(2 * max_shift + 1)) - max_shift;
    for (int h = 0; h < 28; ++h)
      for (int w = 0; w < 28; ++w) {
        const int from_h = h + dy, from_w = (mirror ? 27 - w : w) + dx;
        const bool inside = from_h >= 0 && from_h < 28 && from_w >= 0 && from_w < 28;
        *out++ = inside ? static_cast<float>(image[static_cast<std::size_t>(from_h * 28 + from_w)]) / 255 : 0.0f;
      }
  }

  matrix input_, patches1_, conv1_, pool1_, patches2_, conv2_, pool2_, hidden_, logits_;
  matrix keep_flat_, keep_hidden_, dropped_;
  mask winner1_, winner2_;
};

// ---------------------------------------------------------------------------------------------------------------------
// All threads together

class trainer {
 public:
  explicit trainer(std::uint64_t seed)
      : seed_(seed), p_(initial_parameters(seed)), workers_(std::clamp(std::thread::hardware_concurrency(), 1u, 8u)) {}

  /// One AdamW step, biases decayed like weights; returns the mean loss of the batch.
  float step(const dataset& data, std::span<const std::uint32_t> images, unsigned epoch, float rate) {
    std::array<float, shards> loss{};
    for_each(shards, [&](worker& w, index s) {
      const auto part = images.subspan(static_cast<std::size_t>(s * shard), static_cast<std::size_t>(shard));
      loss[static_cast<std::size_t>(s)] = w.train(p_, data, part, seed_, epoch, gradient_[static_cast<std::size_t>(s)]);
    });
    vector& g = gradient_[0];
    for (std::size_t s = 1; s < shards; ++s) g += gradient_[s];
    first_ = beta1 * first_ + (1 - beta1) * g;
    second_ = beta2 * second_ + (1 - beta2) * g.cwiseAbs2();
    decay1_ *= beta1, decay2_ *= beta2;
    const float root = std::sqrt(1 - decay2_);
    p_.array() -= rate * (first_.array() * (root / (1 - decay1_)) / (second_.array().sqrt() + 1e-8f * root) +
                          weight_decay * p_.array());
    return std::accumulate(loss.begin(), loss.end(), 0.0f) / static_cast<float>(batch);
  }

  /// The fraction of images whose largest logit is their label.
  double accuracy(const dataset& data) {
    constexpr index piece = 50;
    const index n = static_cast<index>(data.size());
    std::atomic<index> right = 0;
    for_each((n + piece - 1) / piece, [&](worker& w, index part) {
      const index first = part * piece, count = std::min(piece, n - first);
      const matrix& logits = w.predict(p_, data, first, count);
      for (index i = 0; i < count; ++i) {
        index best = 0;
        logits.row(i).maxCoeff(&best);
        right += best == data.labels[static_cast<std::size_t>(first + i)];
      }
    });
    return static_cast<double>(right) / static_cast<double>(n);
  }

  void write(const std::filesystem::path& folder) {
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const auto w = weight(p_, l);
      const auto b = bias(p_, l);
      const std::string stem = (folder / layers[l].name).string();
      dyadic::write_npy<float>(stem + "_weight.npy", {w.data(), static_cast<std::size_t>(w.size())},
                               {w.rows(), w.cols()});
      dyadic::write_npy<float>(stem + "_bias.npy", {b.data(), static_cast<std::size_t>(b.size())}, {b.size()});
    }
  }

 private:
  /// f(worker, 0) ... f(worker, count - 1), in any order, on all workers.
  template <class F>
  void for_each(index count, const F& f) {
    std::atomic<index> next = 0;
    const auto work = [&](worker& w) {
      for (index i = next++; i < count; i = next++) f(w, i);
    };
    std::vector<std::jthread> threads;
    for (std::size_t t = 1; t < workers_.size(); ++t) threads.emplace_back([&, t] { work(workers_[t]); });
    work(workers_[0]);
  }

  std::uint64_t seed_;
  vector p_;
  vector first_ = vector::Zero(parameters), second_ = vector::Zero(parameters);  // Adam's moving averages
  float decay1_ = 1, decay2_ = 1;                                                // beta1 and beta2 to the power of t
  std::vector<worker> workers_;
  std::array<vector, shards> gradient_ = filled();

  static std::array<vector, shards> filled() {
    std::array<vector, shards> g;
    g.fill(vector::Zero(parameters));
    return g;
  }
};

// ---------------------------------------------------------------------------------------------------------------------
// The program

constexpr const char* usage =
    "usage: train [--data DIR] [--out DIR] [--epochs N] [--seed S]\n"
    "  --data DIR   MNIST-format files   (default /usr/share/datasets/fashion-mnist)\n"
    "  --out DIR    where the weights go (default .)\n"
    "  --epochs N   passes over the training images, 1 to 1000 (default 24)\n"
    "  --seed S     a whole number; the same seed gives the same weights (default 1)\n";

[[noreturn]] void refuse(const std::string& what) {
  std::fprintf(stderr, "train: %s\n%s", what.c_str(), usage);
  std::exit(2);
}

template <class T>
T number(const std::string& option, const std::string& text, T low, T high) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    refuse(option + " is '" + text + "', expected a number from " + std::to_string(low) + " to " +
           std::to_string(high));
  }
  return value;
}

options parse(std::span<char*> arguments) {
  options o;
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    const std::string name = arguments[i];
    if (name == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    if (name != "--data" && name != "--out" && name != "--epochs" && name != "--seed") {
      refuse("unknown option '" + name + "'");
    }
    if (i + 1 == arguments.size()) refuse(name + " expects a value");
    const std::string value = arguments[i + 1];
    if (name == "--data") o.data = value;
    if (name == "--out") o.out = value;
    if (name == "--epochs") o.epochs = number<unsigned>(name, value, 1, 1000);
    if (name == "--seed") o.seed = number<std::uint64_t>(name, value, 0, UINT64_MAX);
  }
  if (!std::filesystem::is_directory(o.out)) refuse("no such output directory: " + o.out.string());
  return o;
}

void run(const options& o) {
  const dataset train = load_mnist(o.data, "train"), test = load_mnist(o.data, "t10k");
  const std::size_t steps = train.size() / static_cast<std::size_t>(batch);
  if (steps == 0) {
    throw dyadic::format_error(o.data.string() + ": " + std::to_string(train.size()) +
                               " training images, expected at least one batch of " + std::to_string(batch));
  }
  trainer model(o.seed);
  std::vector<std::uint32_t> order(train.size());
  std::iota(order.begin(), order.end(), 0u);
  progress bar("train", steps * o.epochs);
  float shown_loss = 0;  // a moving average over about 50 batches
  for (unsigned epoch = 1; epoch <= o.epochs; ++epoch) {
    random_stream random(o.seed, epoch, 0x6f72646572u);
    for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
    for (std::size_t s = 0; s < steps; ++s) {
      const std::size_t done = (epoch - 1) * steps + s;
      const float fraction = static_cast<float>(done) / static_cast<float>(steps * o.epochs);
      const float warm_up = std::min(1.0f, static_cast<float>(done + 1) / 200);
      const float rate = peak_rate * warm_up * (1 + std::cos(std::numbers::pi_v<float> * fraction)) / 2;
      const auto images =
          std::span(order).subspan(s * static_cast<std::size_t>(batch), static_cast<std::size_t>(batch));
      const float loss = model.step(train, images, epoch, rate);
      shown_loss = done == 0 ? loss : shown_loss + (loss - shown_loss) / 50;
      char note[32];
      std::snprintf(note, sizeof note, "epoch %u/%u loss %.3f", epoch, o.epochs, static_cast<double>(shown_loss));
      bar.step(1, note);
    }
    char line[96];
    std::snprintf(line, sizeof line, "epoch %2u: loss %.3f, test accuracy %.2f %%", epoch,
                  static_cast<double>(shown_loss), 100 * model.accuracy(test));
    bar.print(line);
  }
  model.write(o.out);
  std::printf("weights written to %s\n", o.out.string().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse({argv, static_cast<std::size_t>(argc)}));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "train: %s\n", error.what());
    return 2;
  }
}
