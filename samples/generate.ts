/**
 * Makes the binary samples again: `node samples/generate.ts`. The output is the same, byte for byte, on every run, so
 * that a change in it is a change in the text. The other samples in this directory are written by hand.
 */
import { writeFile } from "node:fs/promises";
import { mock } from "node:test";
import { installationGuide, securityReview } from "./generate-docx.ts";
import { manual } from "./generate-pdf.ts";
import { launchDeck } from "./generate-pptx.ts";
import { priceList } from "./generate-xlsx.ts";

// The libraries write the time of making into the files; zip stores it in local time.
process.env.TZ = "UTC";
mock.timers.enable({ apis: ["Date"], now: Date.UTC(2031, 4, 20, 12) });

const samples: readonly (readonly [name: string, make: () => Promise<Uint8Array>])[] = [
  ["operations-manual.pdf", manual],
  ["installation-guide-zh.docx", installationGuide],
  ["security-review.docx", securityReview],
  ["launch-deck.pptx", launchDeck],
  ["price-list.xlsx", priceList],
];

for (const [name, make] of samples) {
  const bytes = await make();
  await writeFile(new URL(name, import.meta.url), bytes);
  console.log(`${name}: ${bytes.length} bytes`);
}
