// node run_networks.mjs FOLDER: runs every NAME.onnx in FOLDER on the float32 numbers in NAME.input, and writes what comes
// out as NAME.output. Prints the names.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";

const folder = process.argv[2];
for (const file of readdirSync(folder).filter((name) => name.endsWith(".onnx")).sort()) {
  const name = file.slice(0, -".onnx".length);
  const session = await InferenceSession.create(join(folder, file), { executionMode: "sequential", intraOpNumThreads: 2 });
  const bytes = readFileSync(join(folder, `${name}.input`));
  const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const image = session.inputMetadata[0].shape.slice(1);
  const batch = numbers.length / image.reduce((product, extent) => product * extent, 1);
  const input = new Tensor("float32", numbers, [batch, ...image]);
  const outputs = await session.run({ [session.inputNames[0]]: input });
  const output = outputs[session.outputNames[0]].data;
  writeFileSync(join(folder, `${name}.output`), Buffer.from(output.buffer, output.byteOffset, output.byteLength));
  console.log(name);
}
