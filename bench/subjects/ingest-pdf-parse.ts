import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { reportFigures } from "../figures.ts";
import { watchMemory } from "../process-memory.ts";
import { steady } from "../steady.ts";

/** What we call of the peer, as its documentation shows it. */
interface Peer {
  PDFParse: new (options: {
    data: Uint8Array;
  }) => {
    getText(): Promise<{ total: number; text: string }>;
    destroy(): Promise<void>;
  };
}

const [dir = "", path = ""] = process.argv.slice(2);
const resolve = createRequire(join(dir, "package.json")).resolve;
const { PDFParse }: Peer = await import(pathToFileURL(resolve("pdf-parse")).href);
const memory = watchMemory();
let pages = 0;

async function run() {
  const parser = new PDFParse({ data: new Uint8Array(await readFile(path)) });
  pages = (await parser.getText()).total;
  await parser.destroy();
}

const { firstMs, ms } = await steady(run);
reportFigures({
  pagesPerSecond: (pages * 1000) / ms,
  firstPagesPerSecond: (pages * 1000) / firstMs,
  pages,
  ...memory.peak(),
});
