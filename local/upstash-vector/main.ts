import { partOptions, runPart } from "../process.ts";
import { hashingEmbedder } from "./embed/hashing-embedder.ts";
import { startUpstashVector } from "./server.ts";

// `--hashing` starts without the model, for what needs a vector server and no understanding of text.
const embedder = process.argv.includes("--hashing") ? hashingEmbedder() : undefined;
await runPart(
  (options) => startUpstashVector({ ...options, embedder }),
  partOptions(process.argv, ".local/upstash-vector"),
);
