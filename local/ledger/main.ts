import { partOptions, runPart } from "../process.ts";
import { startLedger } from "./server.ts";

await runPart(startLedger, partOptions(process.argv, ".local/ledger"));
