import PDFDocument from "pdfkit";
import { MANUAL, type ManualPart } from "./manual-text.ts";

/** The operations manual: a title page, then a page for each section. */
export async function manual(): Promise<Uint8Array> {
  const created = new Date();
  const document = new PDFDocument({
    size: "A4",
    margin: 72,
    info: {
      Title: "Kelpline operations manual",
      Author: "Halvorsen Marine Instruments",
      CreationDate: created,
    },
  });
  const chunks: Uint8Array[] = [];
  document.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => document.on("end", () => resolve()));
  document.font("Helvetica-Bold").fontSize(28).text("Kelpline operations manual");
  document.moveDown();
  body(document, "For the K2 buoy and the Shoreline gateway, firmware 4.2. Edition of May 2031.");
  for (const section of MANUAL) {
    document.addPage();
    document.font("Helvetica-Bold").fontSize(20).text(section.title);
    document.moveDown(0.6);
    for (const part of section.parts) addPart(document, part);
  }
  document.end();
  await ended;
  return Buffer.concat(chunks);
}

function addPart(document: PDFKit.PDFDocument, part: ManualPart): void {
  if ("text" in part) {
    body(document, part.text);
  } else if ("heading" in part) {
    document.font("Helvetica-Bold").fontSize(14).text(part.heading);
    document.moveDown(0.4);
  } else {
    document.font("Helvetica").fontSize(10);
    document.table({ data: part.table.map((row) => [...row]) });
    document.moveDown();
  }
}

function body(document: PDFKit.PDFDocument, text: string): void {
  document.font("Times-Roman").fontSize(11).text(text, { align: "justify" });
  document.moveDown(0.8);
}
