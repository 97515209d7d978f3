#pragma once
#include <cstdint>

#include "saccade/kernels/simd/simd.h"

// After simd.h, which says what is built.
#include <gtest/gtest.h>
#include <hwy/highway.h>

namespace saccade::proof {

/// Vector code runs with these instruction sets at most while it lives, and with the processor's own best after it.
class InstructionSetScope {
 public:
  explicit InstructionSetScope(std::int64_t target) { use(target); }
  ~InstructionSetScope() { use(0); }
  InstructionSetScope(const InstructionSetScope&) = delete;
  InstructionSetScope& operator=(const InstructionSetScope&) = delete;

 private:
  static void use(std::int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

/// Calls op() once with every instruction set that is built and that this processor has.
template <class Op>
void for_each_instruction_set(const Op& op) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    const InstructionSetScope scope(target);
    op();
  }
}

}  // namespace saccade::proof
