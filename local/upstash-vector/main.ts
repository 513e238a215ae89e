import { partOptions, runPart } from "../process.ts";
import { startUpstashVector } from "./server.ts";

await runPart(startUpstashVector, partOptions(process.argv, ".local/upstash-vector"));
