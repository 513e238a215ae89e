import { fileIngested, fileRejected, fileUploaded } from "#lib/events/catalogue/files.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { EXTRACTION_VERSION } from "#lib/ingest/document.ts";
import { extract } from "#lib/ingest/extracted.ts";
import { finish } from "#lib/ingest/finish.ts";
import { indexBatch, pendingCount, retireOlder } from "#lib/ingest/indexing.ts";
import { fetchLink } from "#lib/ingest/link.ts";
import { register } from "#lib/ingest/register.ts";
import { storeChunks } from "#lib/ingest/store.ts";

/** Makes an uploaded file searchable, or says for good why it cannot be. Every step can be repeated. */
export const ingestFile = inngest.createFunction(
  {
    id: "ingest-file",
    triggers: [fileUploaded],
    retries: 10,
    // One project's bulk upload must not starve the others, nor the machine's memory.
    concurrency: [{ limit: 4 }, { limit: 2, key: "event.data.projectId" }],
  },
  async ({ event, step }) => {
    const { projectId } = event.data;

    const at = event.ts === undefined ? undefined : new Date(event.ts);
    const asked = await step.run("register", () => register(event.data, at));
    const source =
      asked.outcome === "link"
        ? await step.run("fetch", () => fetchLink(event.data, asked.fileId, at))
        : asked;
    const { fileId } = source;
    if (source.outcome === "unchanged") return source;

    const text =
      source.outcome === "ready" ? await step.run("extract", () => extract(fileId)) : source;
    if (text.outcome === "unchanged") return text;
    if (text.outcome === "refused") {
      // What an older version had read of it would be found, and cited, for ever. A link has had nothing.
      if (source.outcome === "ready") {
        await step.run("retire", () => retireOlder({ fileId, projectId }));
      }
      const { code, reason } = text;
      const data = { projectId, fileId, code, reason };
      // A link that is sent again may be refused again for the same reason; bytes are refused once.
      const occasion = source.outcome === "refused" ? event.id : "";
      await step.sendEvent("announce", happened(fileRejected, data, occasion));
      return text;
    }

    if (text.outcome === "extracted") {
      await step.run("chunk", () => storeChunks(fileId));
      for (let batch = 0, more = true; more; batch++) {
        ({ more } = await step.run(`index-${batch}`, () => indexBatch({ projectId, fileId })));
      }
      // Bounded: a store that is busy with others' writes must not hold this file for ever.
      for (let look = 0; look < 10; look++) {
        if ((await step.run(`pending-${look}`, () => pendingCount(projectId))) === 0) break;
        await step.sleep(`settle-${look}`, "1s");
      }
      await step.run("retire", () => retireOlder({ fileId, projectId }));
    }

    const done = await step.run("finish", () => finish({ projectId, fileId }));
    if (done.outcome === "ingested") {
      const { outcome: _, ...facts } = done;
      const data = { projectId, fileId, extractionVersion: EXTRACTION_VERSION, ...facts };
      await step.sendEvent("announce", happened(fileIngested, data));
    }
    return { ...done, fileId };
  },
);
