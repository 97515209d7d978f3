#include "saccade/nn/joins_internal.h"

namespace saccade::internal {

Joins find_joins(const JoinScope& scope) {
  Joins joins(scope.model.nodes().size());
  join_pools(scope, joins);
  join_convolutions(scope, joins);
  join_norms(scope, joins);
  return joins;
}

}  // namespace saccade::internal
