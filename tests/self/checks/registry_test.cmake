cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/planted.cmake")

function(put_layers)
  put(saccade/nn/registry.cpp "const Entry kRegistry[] = {\n    RegisteredLayer{\"Conv2D\", &make},\n    RegisteredLayer{\"LeakyReLU\", &make},\n};\n")
  put(docs/layers/conv2d.md "# Conv2D\n")
  put(docs/layers/leaky_relu.md "# LeakyReLU\n")
  put(saccade/nn/layers_test.cpp "
    \"gradient of Conv2D\" \"golden case of Conv2D with groups\" \"gradient of LeakyReLU\" \"golden case of LeakyReLU\"")
  put(bench/layers.cpp "row \"Conv2D\"\nrow \"LeakyReLU\"\n")
endfunction()

begin("layers that have all they need")
put_layers()
expect_pass(registry)

begin("a layer without its page")
put_layers()
file(REMOVE "${TREE}/docs/layers/leaky_relu.md")
expect_fault(registry "LeakyReLU: lacks a docs page; write docs/layers/leaky_relu.md" "1 found")

begin("a layer without its cases")
put_layers()
put(saccade/nn/layers_test.cpp "
    \"gradient of Conv2DTranspose\" \"gradient of LeakyReLU\" \"golden case of LeakyReLU\" Conv2D")
expect_fault(registry "Conv2D: lacks a gradient case" "Conv2D: lacks a golden case" "2 found")

begin("a layer without its benchmark")
put_layers()
put(bench/layers.cpp "row \"Conv2D\"\n")
expect_fault(registry "LeakyReLU: lacks a benchmark row" "1 found")

begin("a layer that ONNX does not know, once networks are exported")
put_layers()
put(saccade/io/onnx/export.cpp "{\"Conv2D\", conv}\n")
expect_fault(registry "LeakyReLU: lacks an ONNX mapping" "1 found")

begin("a registry that the check cannot read")
put(saccade/nn/registry.cpp "REGISTER(Conv2D)\n")
expect_fault(registry "expected lines like")

file(REMOVE_RECURSE "${TREE}")
