// Times one image at a time through network files in Saccade and in ONNX Runtime, in turns, on the same machine.
//
// Each pair of rounds gives a ratio of medians, so that whatever else the machine does falls on both; the median of the
// ratios is what counts. Exits with 1 when ONNX Runtime is faster by more than a tenth. Start it with
// compare_onnxruntime.sh, which installs ONNX Runtime.
import { execFileSync } from "node:child_process";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    saccade: { type: "string" }, // the program saccade_latency_bench
    rounds: { type: "string", default: "9" },
    seconds: { type: "string", default: "0.5" },
    threads: { type: "string", default: "2" },
  },
});
if (!options.saccade || files.length === 0) {
  console.error("usage: compare_onnxruntime.sh [--rounds N] [--seconds S] [--threads N] NETWORK.onnx...");
  process.exit(2);
}

const LEAST_RATIO = 1 / 1.1;
const seconds = Number(options.seconds);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

async function onnxRuntime(file) {
  const session = await InferenceSession.create(file, {
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    intraOpNumThreads: Number(options.threads),
    interOpNumThreads: 1,
  });
  const shape = session.inputMetadata[0].shape.map((extent) => (extent > 0 ? extent : 1));
  const size = shape.reduce((product, extent) => product * extent, 1);
  const input = new Tensor("float32", Float32Array.from({ length: size }, (_, i) => (i % 251) / 251), shape);
  const feeds = { [session.inputNames[0]]: input };
  return async () => {
    for (let i = 0; i < 10; i++) await session.run(feeds);
    const times = [];
    const start = performance.now();
    while (performance.now() - start < 1000 * seconds) {
      const begin = performance.now();
      await session.run(feeds);
      times.push(performance.now() - begin);
    }
    return median(times);
  };
}

function saccade(file) {
  const text = execFileSync(options.saccade, [file, "--threads", options.threads, "--seconds", options.seconds], { encoding: "utf8" });
  return JSON.parse(text).median;
}

console.log("network                            saccade ms   ONNX Runtime ms   ratio (times as fast)");
let holds = true;
for (const file of files) {
  const theirs = await onnxRuntime(file);
  const rounds = [];
  for (let round = 0; round < Number(options.rounds); round++) rounds.push([saccade(file), await theirs()]);
  const ratio = median(rounds.map(([a, b]) => b / a));
  holds &&= ratio >= LEAST_RATIO;
  const columns = [median(rounds.map(([a]) => a)), median(rounds.map(([, b]) => b))].map((ms) => ms.toFixed(3));
  console.log(`${basename(file).padEnd(34)} ${columns[0].padStart(10)} ${columns[1].padStart(17)} ${ratio.toFixed(2).padStart(7)}`);
}
process.exit(holds ? 0 : 1);
