import { chunkDocument } from "../../lib/ingest/chunk/chunk.ts";
import { extractFile } from "../../lib/ingest/extract/extract.ts";
import { reportFigures } from "../figures.ts";
import { watchMemory } from "../process-memory.ts";
import { steady } from "../steady.ts";

const [path = ""] = process.argv.slice(2);
const memory = watchMemory();
let pages = 0;
let chunks = 0;

async function run() {
  const document = await extractFile({ path, name: "generated.pdf" });
  pages = document.pageCount ?? 0;
  chunks = 0;
  const identity = { fileId: "bench", fileSha256: "0", extractionVersion: 1 };
  for (const _ of chunkDocument(document, identity)) chunks++;
}

const { firstMs, ms } = await steady(run);
reportFigures({
  pagesPerSecond: (pages * 1000) / ms,
  firstPagesPerSecond: (pages * 1000) / firstMs,
  pages,
  chunks,
  ...memory.peak(),
});
