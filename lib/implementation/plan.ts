import { fenced, inline, list, paragraphs } from "../markdown.ts";
import type { DeployInput } from "../provision/input.ts";
import { TYPES } from "../provision/types.ts";
import { publishOfRun } from "./artifact.ts";
import type { RepositoryInput } from "./input.ts";
import { openBase } from "./repository.ts";
import { jobsOfTree } from "./scripts.ts";
import { type Basis, basisOf, inputOf, type RunArtifact, type RunIds } from "./work.ts";

/** Publishes the plan of a run whose preflight is done. */
export async function publishPlan(ids: RunIds): Promise<RunArtifact> {
  const [input, basis] = await Promise.all([inputOf(ids.runId), basisOf(ids.runId)]);
  await using repository = await openBase(basis);
  const jobs = await jobsOfTree(repository.dir, basis.base, input.verify);
  const content = planText(input, basis, jobs);
  const { repoId, base, baseBranch } = basis;
  return await publishOfRun(ids, "IMPLEMENTATION_PLAN", {
    content,
    metadata: { repoId, base, baseBranch, implements: basis.artifacts.map(({ id }) => id) },
  });
}

/**
 * What a run is going to do, before it does anything: tasks with what they are accepted by, files, verification, and what it
 * implements. The same input against the same commit is the same text.
 * @param checks what has to succeed in the sandbox.
 */
export function planText(
  input: RepositoryInput,
  basis: Basis,
  checks: readonly { check: string; command: readonly string[] }[],
): string {
  const { title, brief } = input;
  const { owner, repo, base, baseBranch } = basis;
  const tasks = input.tasks ?? [{ title, acceptance: [], files: [] }];
  const sources = basis.artifacts.map(
    ({ kind, logicalKey, version, id }) =>
      `${inline(kind)} / ${inline(logicalKey)}, version ${version} (\`${id}\`)`,
  );
  const commands = checks.map(
    ({ check, command }) => `${check}: \`${command.join(" ").replaceAll("`", "'")}\``,
  );
  return paragraphs(
    `# Implementation plan: ${inline(title)}`,
    brief && fenced(brief, "text"),
    `Repository \`${owner}/${repo}\`, branch \`${baseBranch}\` at \`${base}\`.`,
    "## Tasks",
    ...tasks.map((task, at) =>
      [
        `${at + 1}. ${inline(task.title)}`,
        ...task.acceptance.map((line) => `   - accepted when: ${inline(line)}`),
        ...task.files.map((path) => `   - file: ${inline(path)}`),
      ].join("\n"),
    ),
    "## Changes",
    changesText(input),
    "## Verification",
    list(commands) || "None: the request says so, or the repository has no scripts for it.",
    sources.length > 0 ? "## Implements" : "",
    list(sources),
    "## Then",
    `A branch of its own and a pull request into \`${baseBranch}\`, after an approval; the merge (${input.merge}) after its checks and another approval.`,
    input.deploy ? deployText(input.deploy) : "",
  );
}

function deployText({ project, resources, rollback }: DeployInput): string {
  const uses = resources.map(
    ({ name, type, mode }) => `${inline(name)} (${TYPES[type].title}, ${mode})`,
  );
  const back =
    rollback === "preapproved"
      ? "It goes back by itself when it does not answer as it has to."
      : "Going back, when it does not answer as it has to, asks for an approval of its own.";
  return [
    `The merged commit goes on to production of \`${project}\` at Vercel: what it needs there${uses.length > 0 ? `, ${uses.join(", ")},` : ""} after an approval, the build after another, and what production serves after a third.`,
    back,
  ].join(" ");
}

function changesText({ changes }: RepositoryInput): string {
  if (changes.from === "diff") return "As the diff in the request says.";
  if (changes.from === "model")
    return "As the model makes them: the patchset says what came of it.";
  return list(
    changes.files.map(({ path, content }) =>
      content === null ? `remove ${inline(path)}` : `write ${inline(path)}`,
    ),
  );
}
