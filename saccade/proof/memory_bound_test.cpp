#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "saccade/proof/operations.h"
#include "saccade/proof/prove.h"
#include "saccade/proof/testing_internal.h"

// Every check of prove() on the operations that are bound by memory: extents around the width of a vector (4, 8 and 16
// floats), of a period of columns and of a task.
namespace saccade::proof {
namespace {

Report prove_all(std::string_view operation, const std::vector<std::string>& ids, std::string_view only = {}) {
  Report report;
  for (const std::string& id : ids) {
    const std::unique_ptr<Case> c = find_operation(operation).parse(id);
    EXPECT_EQ(c->id(), id);
    // exp and its like cost far more than the multiply-adds that the budget counts.
    report.add(prove(*c, {.only = only, .derivative_budget = 2e4}));
  }
  return report;
}

/// `proved` counts passes of implementations, so that nothing is left out unnoticed.
void expect_proved(const Report& report, int proved, std::size_t declined = 0) {
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, proved);
  EXPECT_EQ(report.declined.size(), declined);
}

TEST(MemoryBound, Activation) {
  std::vector<std::string> ids;
  for (const char* name : {"linear", "relu", "relu6", "sigmoid", "tanh"}) {
    for (const int n : {1, 3, 4, 7, 8, 15, 16, 17, 33, 17000}) {
      ids.push_back("n" + std::to_string(n) + "_" + name);
    }
  }
  for (const int n : {1, 17, 17000}) ids.push_back("n" + std::to_string(n) + "s0.2_leaky_relu");
  ids.push_back("n100s0.3_leaky_relu");
  // oneDNN computes sigmoid and tanh (10 cases each) in both passes, leaky ReLU (4) forward; it declines relu, relu6 and
  // linear (30 cases) in both and leaky ReLU backward.
  expect_proved(prove_all("activation", ids), static_cast<int>(ids.size()) * 4 + 20 * 2 + 4, 30 * 2 + 4);
}

TEST(MemoryBound, ModernActivations) {
  std::vector<std::string> ids;
  for (const char* name : {"a1_elu", "a0.5_elu", "s0.2o0.5_hard_sigmoid", "s0.16666667o0.5_hard_sigmoid", "_swish",
                           "_hard_swish", "_gelu", "_gelu_tanh", "_clip"}) {
    for (const int n : {1, 3, 8, 17, 33, 17000}) ids.push_back("n" + std::to_string(n) + name);
  }
  // oneDNN leaves both passes to us.
  expect_proved(prove_all("activation", ids), static_cast<int>(ids.size()) * 4, ids.size() * 2);
}

TEST(MemoryBound, Softmax) {
  expect_proved(prove_all("softmax", {"r1c1", "r3c2", "r5c7", "r4c8", "r7c10", "r3c16", "r5c17", "r3c31", "r2c100",
                                      "r3500c10", "r40c1000"}),
                55, 11);  // oneDNN declines the forward pass.
  expect_proved(prove_all("softmax", {"r1c1_log", "r3c2_log", "r5c7_log", "r3c17_log", "r40c1000_log"}), 20, 10);
}

TEST(MemoryBound, SoftmaxCrossEntropy) {
  std::vector<std::string> ids;
  for (const char* extents : {"r1c1", "r3c2", "r5c10", "r7c17", "r3c33", "r1700c10"}) {
    for (const char* smoothing : {"", "s0.1", "s1"}) {
      for (const char* words : {"", "_dense", "_sample_weight_class_weight", "_dense_sample_weight_class_weight"}) {
        ids.push_back(std::string(extents).append(smoothing).append("_softmax_cross_entropy").append(words));
      }
    }
  }
  expect_proved(prove_all("loss", ids), static_cast<int>(ids.size()) * 4);
}

TEST(MemoryBound, OtherLosses) {
  std::vector<std::string> ids;
  for (const char* kind : {"_cross_entropy", "_mean_squared_error"}) {
    for (const char* words : {"", "_dense", "_sample_weight_class_weight", "_dense_sample_weight_class_weight"}) {
      ids.push_back(std::string("r5c10").append(kind).append(words));
      ids.push_back(std::string("r3c2s0.1").append(kind).append(words));
    }
  }
  // The vector implementation leaves both to the reference.
  expect_proved(prove_all("loss", ids), static_cast<int>(ids.size()) * 2, ids.size() * 2);
}

TEST(MemoryBound, Dropout) {
  expect_proved(prove_all("dropout", {"r1n1p0.5", "r3n5p0.1", "r2n8p0.9", "r5n16p0.5", "r4n31p0.3", "r3n32p0.5",
                                      "r3n33p0.5", "r7n84p0", "r150n120p0.5", "r2n17000p0.25"}),
                40);
}

TEST(MemoryBound, BatchNorm) {
  std::vector<std::string> ids;
  for (const char* extents : {"r1c3", "r2c1", "r7c3", "r40c6", "r33c8", "r50c10", "r20c16", "r9c17", "r5c63", "r4c64",
                              "r6c65", "r3c100", "r3000c6", "r300c64"}) {
    ids.push_back(extents);
    ids.push_back(std::string(extents).append("_frozen"));
  }
  ids.push_back("r50c6m1000");
  ids.push_back("r3000c16m1000");
  ids.push_back("r50c6m1000_frozen");
  // oneDNN computes the 15 frozen cases and declines the 16 in training, each in three passes.
  expect_proved(prove_all("batch_norm", ids), static_cast<int>(ids.size()) * 6 + 15 * 3, 16 * 3);
}

TEST(MemoryBound, BatchNormWithWhatFollows) {
  std::vector<std::string> ids;
  for (const char* extents : {"r7c3", "r40c6", "r20c16", "r5c63", "r4c64", "r6c65", "r3000c6", "r300c64"}) {
    for (const char* words : {"_relu", "_relu6", "_residual", "_residual_relu", "_frozen_relu6", "_frozen_residual",
                              "_frozen_residual_relu"}) {
      ids.push_back(std::string(extents).append(words));
    }
  }
  // oneDNN leaves all of it to us, each in three passes.
  expect_proved(prove_all("batch_norm", ids), static_cast<int>(ids.size()) * 6, ids.size() * 3);
  // The reference alone takes what has no gradient of zeros and ones.
  ids = {"r40c6_leaky_relu", "r40c6_swish", "r40c6_frozen_hard_swish", "r40c6_residual_sigmoid"};
  expect_proved(prove_all("batch_norm", ids), static_cast<int>(ids.size()) * 3, ids.size() * 6);
}

TEST(MemoryBound, Bias) {
  expect_proved(prove_all("bias", {"r1c1", "r3c2", "r17c3", "r40c6", "r9c8", "r50c10", "r20c16", "r9c17", "r5c63",
                                   "r4c64", "r6c65", "r3c100", "r3000c6", "r300c64", "r128c1200"}),
                75, 15);  // oneDNN declines the gradient.
}

TEST(MemoryBound, Add) {
  expect_proved(prove_all("add", {"i1n5", "i2n1", "i2n16", "i3n17", "i5n100", "i2n17000", "i3n33000"}), 21);
}

TEST(MemoryBound, Concat) {
  expect_proved(prove_all("concat", {"r1c1", "r3c2c5", "r7c1c16c3", "r1000c8c24", "r2c17000c1"}), 30);
}

TEST(MemoryBound, Pad2D) {
  expect_proved(prove_all("pad2d", {"n1ih1iw1c1pt0pb0pl0pr0", "n2ih3iw4c5pt1pb0pl0pr2", "n3ih28iw28c1pt2pb2pl2pr2",
                                    "n2ih40iw50c6pt0pb3pl4pr0", "n2ih7iw5c4pt1pb0pl0pr2pf2pk3",
                                    "n2ih40iw50c6pt0pb0pl0pr0pf0pk6"}),
                24);
}

TEST(MemoryBound, Multiply) {
  expect_proved(prove_all("multiply", {"n1p1c1", "n3p1c17", "n2p1c17000", "n2p5c3", "n3p9c8", "n1p49c33", "n2p70c67",
                                       "n2p1c64", "n2p3000c16", "n1p3c9000"}),
                40);
}

TEST(MemoryBound, PRelu) {
  expect_proved(prove_all("prelu", {"r1c1", "r3c2", "r40c6", "r9c17", "r5c63", "r4c64", "r3000c6", "r300c64"}), 48);
}

TEST(MemoryBound, UpSample2D) {
  std::vector<std::string> ids;
  for (const char* kind : {"_nearest", "_bilinear"}) {
    for (const char* extents : {"n1ih1iw1c1fh2fw2", "n2ih3iw4c5fh2fw2", "n1ih2iw3c16fh4fw1", "n1ih5iw2c17fh3fw3",
                                "n3ih1iw1c3fh1fw1", "n2ih17iw13c24fh2fw5"}) {
      ids.push_back(std::string(extents) + kind);
    }
  }
  expect_proved(prove_all("upsample2d", ids), 48);
}

TEST(MemoryBound, LocalResponseNorm) {
  expect_proved(prove_all("local_response_norm",
                          {"r1c1s1a0.5b0.75k1", "r3c2s5a1b0.75k1", "r5c7s3a0.5b0.5k2", "r2c16s4a1b0.75k1",
                           "r3c17s2a2b1k1", "r2c33s5a0.0001b0.75k2", "r300c64s5a1b0.75k1", "r2c5s11a1b0.75k1"}),
                32);
}

TEST(MemoryBound, Permute) {
  expect_proved(prove_all("permute", {"e1p0", "e5p0", "e2e3p1p0", "e40e70p1p0", "e2e3e4p2p0p1", "e3e33e65p0p2p1",
                                      "e2e5e4e3p0p2p1p3", "e2e3e1e4e5p4p2p0p3p1", "e7e2e2e9p1p2p3p0"}),
                36);
}

TEST(MemoryBound, AxisMap) {
  expect_proved(prove_all("axis_map", {"o1n1i1m1t1s1", "o3n8i1m5t1s1", "o2n8i5m4t1s2", "o2n5i70m7t2s1_hole",
                                       "o3n40i1m1t40s1", "o2n9i3m2t9s4", "o1n300i130m299t1s1"}),
                28);
}

TEST(MemoryBound, Arithmetic) {
  std::vector<std::string> ids;
  for (const char* kind : {"_add", "_subtract", "_multiply", "_divide"}) {
    for (const char* extents : {"a1b1", "a7b1", "a17000b17000", "a2a30a3b1b1b3", "a3a70b3b1", "a1a70b5b1",
                                "a2a3a4b2b1b4", "a2a1a4a1b1b3b4b70"}) {
      ids.push_back(std::string(extents) + kind);
    }
  }
  expect_proved(prove_all("arithmetic", ids), static_cast<int>(ids.size()) * 4);
}

TEST(MemoryBound, EveryInstructionSetThatIsBuilt) {
  struct Cases {
    std::string_view operation;
    std::vector<std::string> ids;
    int passes;
  };
  const std::vector<Cases> all{
      {"activation", {"n67_relu", "n67_relu6", "n67s0.2_leaky_relu", "n67_sigmoid", "n67_tanh"}, 10},
      {"activation",
       {"n67a1_elu", "n67s0.2o0.5_hard_sigmoid", "n67_swish", "n67_hard_swish", "n67_gelu", "n67_gelu_tanh"},
       12},
      {"softmax", {"r3c5", "r2c33", "r3c5_log", "r2c33_log"}, 8},
      {"loss", {"r3c10s0.1_softmax_cross_entropy", "r2c37s0.1_softmax_cross_entropy_dense"}, 4},
      {"dropout", {"r3n61p0.3"}, 2},
      {"batch_norm", {"r23c6", "r7c67_relu", "r23c6_residual_relu6", "r9c5_frozen"}, 12},
      {"bias", {"r23c6", "r7c67"}, 4},
      {"add", {"i3n61"}, 1},
      {"multiply", {"n2p1c61", "n2p9c77"}, 4},
      {"prelu", {"r23c6", "r7c67"}, 6},
      {"upsample2d", {"n1ih2iw3c21fh2fw3_bilinear"}, 2},
      {"local_response_norm", {"r3c21s5a1b0.75k1"}, 2},
  };
  int sets = 0;
  for (const std::int64_t target : {HWY_SSE4, HWY_AVX2, HWY_AVX3, HWY_NEON}) {
    if ((hwy::SupportedTargets() & target) == 0) continue;
    ++sets;
    SCOPED_TRACE(hwy::TargetName(target));
    const InstructionSetScope scope(target);
    for (const Cases& cases : all) expect_proved(prove_all(cases.operation, cases.ids, "simd"), cases.passes);
  }
  EXPECT_GE(sets, 1);
}

}  // namespace
}  // namespace saccade::proof
