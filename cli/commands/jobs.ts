import * as z from "zod";
import type { Context } from "../context.ts";
import { cleanLine, say, sayJson, table, when } from "../output.ts";

const text = z.string();
const maybe = text.nullable();

// Loose: --json hands on the rest as it came.
const jobs = z.looseObject({
  items: z.array(
    z.looseObject({
      id: text,
      stepId: text,
      jobType: text,
      status: text,
      exitCode: z.number().nullable(),
      isolation: maybe,
      transcriptRef: maybe,
      startedAt: maybe,
      endedAt: maybe,
    }),
  ),
});

/** What a run had done in sandboxes and by git, oldest first, each with where its transcript is kept. */
export async function listJobs(runId: string, { api, json }: Context): Promise<void> {
  const answer = await api().get(`/api/runs/${encodeURIComponent(runId)}/jobs`, jobs);
  if (json) return sayJson(answer);
  if (answer.items.length === 0) return say("No jobs.");
  const rows = answer.items.map((job) => [
    ...[job.id, job.jobType, job.status, job.exitCode === null ? "" : String(job.exitCode)],
    ...[job.isolation ?? "", cleanLine(job.stepId)],
    ...[job.startedAt === null ? "" : when(job.startedAt), seconds(job), job.transcriptRef ?? ""],
  ]);
  const heads = ["JOB", "TYPE", "STATUS", "EXIT", "HELD BY", "STEP", "STARTED", "S", "TRANSCRIPT"];
  say(table(heads, rows));
}

function seconds({ startedAt, endedAt }: { startedAt: string | null; endedAt: string | null }) {
  if (startedAt === null || endedAt === null) return "";
  return ((Date.parse(endedAt) - Date.parse(startedAt)) / 1000).toFixed(1);
}
