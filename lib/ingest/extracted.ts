import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { blobStore } from "../blob/blob.ts";
import { findFile } from "../data/files.server.ts";
import { EXTRACTION_VERSION, type ExtractedDocument } from "./document.ts";
import { extractedKey } from "./keys.ts";
import { type Passed, type Refusal, refusable } from "./outcome.ts";

/** What the extract step returns: counts for whoever watches the run, or why the file ended here. */
export type Extracted =
  | { outcome: "extracted"; format: string; pages: number | null; characters: number }
  | Passed
  | Refusal;

/**
 * Extracts a file's text and keeps it beside the source as JSON of {@link ExtractedDocument}: it is too large to pass
 * from step to step. The same again writes the same bytes.
 */
export async function extract(fileId: string): Promise<Extracted> {
  const file = await findFile({ fileId });
  if (!file) return { outcome: "removed", fileId };
  const { blobRef } = file;
  if (blobRef === null) throw new Error(`the file ${fileId} has no bytes to be read`);
  return await refusable(fileId, async () => {
    // Parsers weigh megabytes: loaded by the step that needs them.
    const { extractFile } = await import("./extract/extract.ts");
    const dir = await mkdtemp(join(tmpdir(), "countersign-"));
    try {
      const path = join(dir, "source");
      await blobStore().getToFile(blobRef, path);
      const document = await extractFile({ path, name: file.name, mimeType: file.mimeType });
      const json = Buffer.from(JSON.stringify(document));
      await blobStore().put(
        extractedKey(file.projectId, fileId, EXTRACTION_VERSION),
        chunksOf(json),
      );
      const characters = document.pages.reduce((sum, page) => sum + page.text.length, 0);
      return {
        outcome: "extracted",
        format: document.format,
        pages: document.pageCount,
        characters,
      };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
}

/** What {@link extract} kept. Throws NotFound when it did not run, or the file was removed since. */
export async function extractedDocument(file: {
  id: string;
  projectId: string;
}): Promise<ExtractedDocument> {
  const stored = await blobStore().get(extractedKey(file.projectId, file.id, EXTRACTION_VERSION));
  return JSON.parse(await text(stored));
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
