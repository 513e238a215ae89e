import { env } from "../env.ts";
import { inline, list, paragraphs } from "../markdown.ts";
import type { RepositoryInput } from "./input.ts";
import type { Basis, Patch, Report } from "./work.ts";

/** What a reviewer reads on GitHub: what was asked, what was verified and how, and where the record of it is. */
export function pullBody(about: {
  runId: string;
  input: RepositoryInput;
  basis: Basis;
  patch: Patch;
  report: Report;
}): string {
  const { runId, input, basis, patch, report } = about;
  const { COUNTERSIGN_URL } = env();
  const tasks = (input.tasks ?? []).map(({ title, acceptance }) =>
    [said(title), ...acceptance.map((line) => `  - ${said(line)}`)].join("\n"),
  );
  const checks = report.checks.map(
    ({ check, isolation }) => `${check}: passed (${isolation} sandbox)`,
  );
  const sources = basis.artifacts.map(
    ({ kind, logicalKey, version }) => `${said(kind)} / ${said(logicalKey)}, version ${version}`,
  );
  const run = COUNTERSIGN_URL ? `[${runId}](${COUNTERSIGN_URL}/api/runs/${runId})` : `\`${runId}\``;
  return paragraphs(
    said(input.brief),
    tasks.length > 0 ? "### Tasks" : "",
    list(tasks),
    sources.length > 0 ? "### Implements" : "",
    list(sources),
    "### Verified before this was opened",
    list(checks) || "Nothing: the request says so.",
    `${patch.files} file(s) against \`${basis.base}\`. Run ${run}, patchset \`${patch.artifact.artifactId}\`, report \`${report.artifact.artifactId}\`.`,
  ).trimEnd();
}

/** Text of others where GitHub would tell those whom it names. */
function said(text: string): string {
  return inline(text).replaceAll("@", "@\u200b");
}
