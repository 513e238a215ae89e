import { partOptions, runPart } from "../process.ts";
import { startNeon } from "./server.ts";

const durable = !process.argv.includes("--not-durable");

await runPart(
  (options) => startNeon({ ...options, durable }),
  partOptions(process.argv, ".local/neon"),
);
