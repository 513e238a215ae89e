import { generatedPdf } from "./generated-pdf.ts";
import { installPeers } from "./peers.ts";
import { type BenchResult, lessIsBetter, median, moreIsBetter } from "./result.ts";
import { bundledSubject } from "./subject.ts";

const PAGES = 650;
const ROUNDS = 3;

interface Figures {
  readonly pagesPerSecond: number;
  readonly firstPagesPerSecond: number;
  readonly peakMb: number;
  readonly peakDistinctMb: number;
  readonly pages: number;
}

/**
 * PDF to chunks with headings, against the text alone of pdf-parse: each as a bundle, warmed up, and for the first file of
 * a process. Ours reads on two cores where there are two. Memory is that of all processes that take part.
 */
export async function run(): Promise<BenchResult[]> {
  const dir = await installPeers("ingest", { "pdf-parse": "2.4.5" });
  const path = await generatedPdf(PAGES);
  const measureOurs = await bundledSubject<Figures>("ingest-ours");
  const measurePeer = await bundledSubject<Figures>("ingest-pdf-parse", { peer: true });
  const ours: Figures[] = [];
  const peers: Figures[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measureOurs([path]));
    peers.push(await measurePeer([dir, path]));
  }
  for (const { pages } of [...ours, ...peers]) {
    if (pages !== PAGES) throw new Error(`A subject read ${pages} of ${PAGES} pages.`);
  }
  const both = (name: keyof Figures) => ({
    value: median(ours.map((figures) => figures[name])),
    peer: median(peers.map((figures) => figures[name])),
  });
  return [
    moreIsBetter({
      ...both("pagesPerSecond"),
      what: `PDF extract and chunk, ${PAGES} pages`,
      unit: "pages/s",
      times: 3,
    }),
    moreIsBetter({
      ...both("firstPagesPerSecond"),
      what: "the same, first file of a process",
      unit: "pages/s",
    }),
    lessIsBetter({
      ...both("peakMb"),
      what: `peak memory at ${PAGES} pages, processes summed`,
      unit: "MB",
      bar: 250,
    }),
    lessIsBetter({
      ...both("peakDistinctMb"),
      what: "the same, the program's own pages counted once",
      unit: "MB",
    }),
  ];
}
