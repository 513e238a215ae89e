import { generatedPdf } from "./generated-pdf.ts";
import { installPeers } from "./peers.ts";
import { type BenchResult, lessIsBetter, median, moreIsBetter } from "./result.ts";
import { type Measured, measureSubject } from "./subject.ts";

const PAGES = 650;

type Figures = Measured<{ pagesPerSecond: number; pages: number }>;

/** PDF extract and chunk, against the text extraction alone of pdf-parse; memory of all processes that take part. */
export async function run(): Promise<BenchResult[]> {
  const dir = await installPeers("ingest", { "pdf-parse": "2.4.5" });
  const path = await generatedPdf(PAGES);
  const ours: Figures[] = [];
  const peers: Figures[] = [];
  for (let round = 0; round < 3; round++) {
    ours.push(await measureSubject("ingest-ours", [path]));
    peers.push(await measureSubject("ingest-pdf-parse", [dir, path]));
  }
  for (const { pages } of [...ours, ...peers]) {
    if (pages !== PAGES) throw new Error(`A subject read ${pages} of ${PAGES} pages.`);
  }
  const middle = (figures: Figures[], name: "pagesPerSecond" | "peakMb") =>
    median(figures.map((figure) => figure[name]));
  return [
    moreIsBetter({
      what: `PDF extract and chunk, ${PAGES} pages`,
      value: middle(ours, "pagesPerSecond"),
      unit: "pages/s",
      peer: middle(peers, "pagesPerSecond"),
      times: 3,
    }),
    lessIsBetter({
      what: `peak memory at ${PAGES} pages`,
      value: middle(ours, "peakMb"),
      unit: "MB",
      peer: middle(peers, "peakMb"),
      bar: 250,
    }),
  ];
}
