import { hash } from "node:crypto";
import { insertChunks } from "#lib/data/chunks.server.ts";
import { markIngested } from "#lib/data/file-progress.server.ts";
import { registerUpload } from "#lib/data/files.server.ts";

/** Brings a project a document of one chunk, in the database alone; returns the chunk's id. */
export async function document(projectId: string, content: string): Promise<string> {
  const sha256 = hash("sha256", content, "hex");
  const bytes = { mimeType: "text/markdown", sizeBytes: 1, sha256, blobRef: "b" };
  const { file } = await registerUpload({ projectId, name: "n.md", ...bytes });
  const read = { fileId: file.id, extractionVersion: 1 };
  const chunk = { id: sha256, ordinal: 0, content, breadcrumbs: "", tokenCount: 9 };
  const place = { pageStart: null, pageEnd: null, startOffset: 0, endOffset: content.length };
  const chunks = [{ ...chunk, ...place }];
  await insertChunks({ projectId, ...read, fileSha256: sha256, chunks });
  await markIngested({ ...read, format: "markdown", pageCount: null, chunkCount: 1 });
  return sha256;
}
