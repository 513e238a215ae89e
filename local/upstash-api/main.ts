import { partOptions, runPart } from "../process.ts";
import { told } from "../told.ts";
import { startUpstashApi } from "./server.ts";

const vectorUrl = told("--vector-url", "UPSTASH_VECTOR_REST_URL");
const vectorToken = told("--vector-token", "UPSTASH_VECTOR_REST_TOKEN");
await runPart(
  (options) => startUpstashApi({ ...options, vectorUrl, vectorToken }),
  partOptions(process.argv, ".local/upstash-api"),
);
