// The ONNX Runtime side of `saccade bench --compare onnxruntime`: a line of JSON on stdout answers each line on stdin.
//
//   {"network": FILE, "images": FILE, "outputs": FILE, "batch": 1, "threads": 2}
//       loads the network and writes what it computes of the images (NCHW, float32)
//   {"step": "inference", "seconds": 0.3}
//       repeats that for so long and answers with the seconds of one
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const { createInterface } = require("node:readline");

const WARM_UP_SECONDS = 0.02;
const answer = (value) => process.stdout.write(JSON.stringify(value) + "\n");

let runtime;
try {
  runtime = require("onnxruntime-node");
} catch (error) {
  answer({ missing: String(error.message).split("\n")[0] });
  process.exit(0);
}

async function load(request) {
  const session = await runtime.InferenceSession.create(request.network, {
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    intraOpNumThreads: request.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const bytes = readFileSync(request.images);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const shape = session.inputMetadata[0].shape.map((extent, axis) => (axis === 0 ? request.batch : extent));
  const feeds = { [session.inputNames[0]]: new runtime.Tensor("float32", values, shape) };
  const outputs = (await session.run(feeds))[session.outputNames[0]].data;
  writeFileSync(request.outputs, Buffer.from(outputs.buffer, outputs.byteOffset, outputs.byteLength));
  return () => session.run(feeds);
}

async function timeOf(step, seconds) {
  const start = performance.now();
  for (let steps = 1; ; steps++) {
    await step();
    const passed = (performance.now() - start) / 1000;
    if (passed >= seconds) return passed / steps;
  }
}

async function main() {
  let step;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      if (!step) {
        step = await load(request);
        answer({ name: "ONNX Runtime", version: runtime.env.versions.common, setup: {} });
      } else {
        await timeOf(step, Math.min(WARM_UP_SECONDS, request.seconds));
        answer({ seconds: await timeOf(step, request.seconds) });
      }
    } catch (error) {
      answer({ refused: String(error.message).split("\n")[0] });
    }
  }
}

main();
