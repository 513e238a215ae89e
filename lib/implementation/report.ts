import type { SandboxJob } from "../data/sandbox-jobs.server.ts";
import { fenced, paragraphs } from "../markdown.ts";
import type { Basis, Patch } from "./work.ts";

/** What was run on the patched tree, where, and how it ended; of each job the end of what it said. */
export function reportText(about: {
  basis: Basis;
  patch: Patch;
  jobs: readonly SandboxJob[];
}): string {
  const { basis, patch, jobs } = about;
  const passed = jobs.every(({ status }) => status === "succeeded");
  return paragraphs(
    `# Verification report: ${passed ? "passed" : "FAILED"}`,
    `The git tree \`${patch.tree}\`: \`${basis.base}\` of \`${basis.owner}/${basis.repo}\` with the patchset \`${patch.artifact.artifactId}\`.`,
    jobs.length === 0 ? "Nothing was verified: the request says so." : "",
    ...jobs.flatMap(({ jobType, status, exitCode, metadata }) => [
      `## ${jobType}: ${status}`,
      `Exit code ${exitCode ?? "none"}, sandbox: ${String(metadata.isolation)}.`,
      fenced(String(metadata.tail ?? ""), "text"),
    ]),
  );
}
