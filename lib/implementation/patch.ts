import { InvalidInput } from "../errors.ts";
import { readTopFile, topEntries } from "../git/file.ts";
import { changedFiles, diffText, type FileChange, treeOfDiff, treeOfFiles } from "../git/patch.ts";
import { fenced, inline, list, paragraphs } from "../markdown.ts";
import { ENV_EXAMPLE, namesOf, withNames } from "../provision/env-example.ts";
import type { DeployInput } from "../provision/input.ts";
import { draftOf } from "./agent/result.ts";
import { publishOfRun } from "./artifact.ts";
import type { RepositoryInput } from "./input.ts";
import { putPatchset } from "./patchset.ts";
import { bytesOf, openBase } from "./repository.ts";
import { jobsOfTree } from "./scripts.ts";
import { basisOf, inputOf, type Patch, type RunIds } from "./work.ts";

/** A person reads a diff; what is longer is in the patchset, and on GitHub once it is pushed. */
const MAX_DIFF_BYTES = 200_000;
const MAX_FILES = 500;

/**
 * Makes the change that a run was asked for, in a bare repository where nothing of the repository itself is ever run, keeps its
 * files, finds what has to verify it and publishes the PATCHSET. What a deployment will give to the app is named in its `.env.example`. Throws InvalidInput for a diff that does not apply (`patch_does_not_apply`), a change that changes
 * nothing, too many files, and files that are neither plain nor executable.
 * @param open brings the commit here
 */
export async function makePatch(ids: RunIds, open = openBase): Promise<Patch> {
  const { runId } = ids;
  const [input, basis] = await Promise.all([inputOf(runId), basisOf(runId)]);
  const { base } = basis;
  const { changes } = input;
  await using repository = await open(basis);
  const { dir } = repository;
  const asked =
    changes.from === "diff"
      ? await treeOfDiff(dir, base, changes.diff)
      : await treeOfFiles(dir, base, await filesOf(ids, changes));
  const tree = input.deploy ? await withEnvExample(dir, asked, input.deploy) : asked;
  const files = await changedFiles(dir, base, tree);
  if (files.length === 0) {
    throw new InvalidInput("patch_empty", "The change leaves the repository as it is.");
  }
  if (files.length > MAX_FILES) {
    const what = `The change has ${files.length} files, and ${MAX_FILES} are the most.`;
    throw new InvalidInput("patch_too_large", what);
  }
  const diff = await diffText(dir, base, tree, MAX_DIFF_BYTES);
  const jobs = await jobsOfTree(dir, tree, input.verify);
  const patchset = await putPatchset(ids, { base, tree, files: await bytesOf(dir, files) });
  const artifact = await publishOfRun(ids, "PATCHSET", {
    content: paragraphs(
      `# Patchset: ${inline(input.title)}`,
      `Against \`${base}\` of \`${basis.owner}/${basis.repo}\`; the whole content becomes the git tree \`${tree}\`.`,
      list(files.map(({ path, change }) => `${change} ${inline(path)}`)),
      fenced(diff.text, "diff"),
      diff.truncated ? "The diff is longer and was cut here." : "",
    ),
    metadata: { base, tree, files: files.length, truncated: diff.truncated },
  });
  return { tree, patchset, files: files.length, jobs, artifact };
}

/** The tree with the names of the variables that the app will be given. */
async function withEnvExample(dir: string, tree: string, deploy: DeployInput): Promise<string> {
  const entry = (await topEntries(dir, tree, [ENV_EXAMPLE])).get(ENV_EXAMPLE);
  const now = await readTopFile(dir, entry);
  // No plain file, or a large one: what is there is not replaced.
  if (now === null && entry) return tree;
  const text = withNames(now?.toString("utf8") ?? "", namesOf(deploy));
  if (text === null) return tree;
  return await treeOfFiles(dir, tree, [{ path: ENV_EXAMPLE, bytes: Buffer.from(text, "utf8") }]);
}

/** The files as the request says them, or as the model has drafted them. */
async function filesOf(
  ids: RunIds,
  changes: Exclude<RepositoryInput["changes"], { from: "diff" }>,
): Promise<FileChange[]> {
  if (changes.from === "model") return await draftOf(ids);
  return changes.files.map(({ path, content, executable }) => ({
    ...{ path, executable },
    bytes: content === null ? null : Buffer.from(content, "utf8"),
  }));
}
