import { createWriteStream, existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import PDFDocument from "pdfkit";

const WORDS =
  `the system shall record every change before it is made so that an auditor can later tell who approved what and
when a request arrives twice only one effect may follow because the ledger holds its claim while retries wait with growing
pauses until the provider answers or a person decides what to do with the unknown outcome of an interrupted call`.split(
    /\s+/,
  );

/** The path of a PDF with that many pages of prose under headings; made once, the same bytes of text every time. */
export async function generatedPdf(pages: number): Promise<string> {
  const dir = join(import.meta.dirname, "../.local/bench-data");
  const path = join(dir, `${pages}-pages.pdf`);
  if (existsSync(path)) return path;
  await mkdir(dir, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  const document = new PDFDocument({ size: "A4", margin: 60 });
  const file = document.pipe(createWriteStream(unfinished));
  let seed = 1;
  const next = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const sentence = () => {
    const words = Array.from({ length: 8 + next(14) }, () => WORDS[next(WORDS.length)]).join(" ");
    return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
  };
  for (let page = 1; page <= pages; page++) {
    if (page > 1) document.addPage();
    document.font("Helvetica-Bold").fontSize(16).text(`${page}. Requirement ${page}`).moveDown();
    document.font("Helvetica").fontSize(10);
    for (let paragraph = 0; paragraph < 6; paragraph++) {
      document.text(Array.from({ length: 5 }, sentence).join(" ")).moveDown(0.5);
    }
  }
  document.end();
  await finished(file);
  await rename(unfinished, path);
  return path;
}
