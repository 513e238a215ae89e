import { parseArgs } from "node:util";
import { run as chunk } from "./chunk.bench.ts";
import { run as cold } from "./cold.bench.ts";
import { run as engine } from "./engine.bench.ts";
import { run as exportBench } from "./export.bench.ts";
import { run as ingest } from "./ingest.bench.ts";
import { run as ledger } from "./ledger.bench.ts";
import { run as lists } from "./lists.bench.ts";
import { run as repo } from "./repo.bench.ts";
import type { Bench, BenchResult } from "./result.ts";
import { run as search } from "./search.bench.ts";
import { run as searchable } from "./searchable.bench.ts";
import { table } from "./table.ts";

const benches: Readonly<Record<string, Bench>> = {
  chunk,
  cold,
  engine,
  export: exportBench,
  ingest,
  ledger,
  lists,
  repo,
  search,
  searchable,
};

const usage = `npm run bench -- [name ...] [--json]

Measures what must be fast, beside its peer in the same run. Without a name: all, one after the other.
Exits with 1 when a bar is missed.

  chunk    chunker MB/s, against @langchain/textsplitters by tokens
  cold     import time and memory of dist/api/inngest.js in a fresh process
  engine   the local Inngest engine: latency, runs/s, waits, memory; INNGEST_SERVER_URL names a server to compare it with
  export   a project of 1,000 artifacts as a ZIP: time, and memory over what there was before
  ingest   PDF pages/s and peak memory of extract and chunk, against pdf-parse
  ledger   ten recorded steps against ten bare ones; a person's grant until its gate is open
  lists    every list query over tables of a million rows: which index answers it (minutes, and some 5 GB of disk)
  repo     a repository of 25,000 files / 285 MB read, cut and hashed; again; with ten files changed
  search   top-10 search at 10,000 and 100,000 chunks on the local vector server
  searchable   a 311-page PDF from its event to the first hit, on the whole local cloud

  --json   print {"name", "results"} as the last line (one line for each bench)
  --help   print this

Peers are installed into .local/bench-peers when first needed; data is made in .local/bench-data.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean" }, help: { type: "boolean" } },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const names = positionals.length === 0 ? Object.keys(benches) : positionals;
  let missed = false;
  for (const name of names) {
    const bench = benches[name];
    if (bench === undefined) {
      console.error(`There is no bench "${name}". Known: ${Object.keys(benches).join(", ")}.`);
      return 2;
    }
    try {
      const results = await bench();
      report(name, results);
      missed ||= results.some((result) => !result.ok);
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.message : error}`);
      missed = true;
    }
  }
  return missed ? 1 : 0;
}

function report(name: string, results: readonly BenchResult[]): void {
  console.log(`\n${name}\n${table(results)}`);
  if (values.json) console.log(JSON.stringify({ name, results }));
}
