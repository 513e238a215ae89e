import { chunkDocument } from "../../lib/ingest/chunk/chunk.ts";
import { corpus } from "../corpus.ts";
import { cpuTimed, reportFigures } from "../figures.ts";
import { median } from "../result.ts";

const { documents, bytes } = corpus(Number(process.argv[2]));
let chunks = 0;
let tokens = 0;

function run() {
  chunks = 0;
  tokens = 0;
  for (const document of documents) {
    const identity = { fileId: "bench", fileSha256: document.title ?? "", extractionVersion: 1 };
    for (const chunk of chunkDocument(document, identity)) {
      chunks++;
      tokens += chunk.tokenCount;
    }
  }
}

run();
const times = [await cpuTimed(run), await cpuTimed(run), await cpuTimed(run)];
reportFigures({ mbPerSecond: bytes / 1000 / median(times), chunks, tokens });
