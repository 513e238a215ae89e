import { z } from "@hono/zod-openapi";
import type { ReadCitation } from "#lib/data/citations.server.ts";
import { shown } from "./common.ts";

const cited = {
  ordinal: z.int().describe("Its number in the text"),
  startOffset: z.int().describe("In the cited text, in UTF-16 units"),
  endOffset: z.int(),
  quote: z.string(),
  outdated: z.boolean().describe("The source was removed or changed since"),
};

/** Where a sentence of an artifact or a message comes from. */
export const Citation = z
  .discriminatedUnion("type", [
    z.object({
      type: z.literal("file"),
      ...cited,
      fileId: z.string().nullable().describe("Null once the file was removed"),
      fileName: z.string(),
      fileSha256: z.string(),
      extractionVersion: z.int(),
      chunkId: z.string().nullable().describe("Null once the file was read anew or removed"),
      chunkSha256: z.string(),
      pageStart: z.int().nullable(),
      pageEnd: z.int().nullable(),
    }),
    z.object({
      type: z.literal("artifact"),
      ...cited,
      citedArtifactId: z.string().nullable(),
      artifactKind: z.string(),
      artifactKey: z.string(),
      artifactVersion: z.int(),
      artifactSha256: z.string().describe("Of the version's content"),
    }),
    z.object({
      type: z.literal("code"),
      ...cited,
      repoId: z.string().nullable().describe("Null once the repository is not connected"),
      codePath: z.string(),
      commitSha: z.string(),
      lineStart: z.int(),
      lineEnd: z.int(),
      codeSha256: z.string().describe("Of the text of those lines"),
    }),
  ])
  .openapi("Citation");

export const viewCitation = (row: ReadCitation) => shown(Citation, row);
