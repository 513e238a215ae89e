import { git, runGit } from "../../../lib/git/git.ts";
import { type Person, readCommits, writeCommit } from "./objects.ts";
import { mergeBase } from "./refs.ts";
import { remembered } from "./remembered.ts";

/** The tree that two commits merge into; null when they conflict. */
export const mergedTree = remembered(
  async (dir, base: string, head: string): Promise<string | null> => {
    const args = ["merge-tree", "--write-tree", "--no-messages", "--allow-unrelated-histories"];
    const { exitCode, stdout, stderr } = await runGit([...args, base, head], { dir });
    if (exitCode === 1) return null;
    if (exitCode !== 0) throw new Error(`git merge-tree: ${stderr}`);
    return stdout.toString("latin1").split("\n")[0] ?? null;
  },
);

export interface Merge {
  readonly method: "merge" | "squash" | "rebase";
  readonly base: string;
  readonly head: string;
  readonly message: string;
  readonly author: Person;
  readonly committer: Person;
}

/** Makes the commit that the base branch becomes, which no branch has yet; null when there is a conflict. */
export async function mergeCommit(dir: string, merge: Merge): Promise<string | null> {
  if (merge.method === "rebase") return await rebased(dir, merge);
  const tree = await mergedTree(dir, merge.base, merge.head);
  if (tree === null) return null;
  const { base, head, message, author, committer } = merge;
  const parents = merge.method === "merge" ? [base, head] : [base];
  return await writeCommit(dir, { tree, parents, message, author, committer });
}

/** Puts the head's commits on top of the base, one by one. */
async function rebased(dir: string, { base, head, committer }: Merge): Promise<string | null> {
  const fork = await mergeBase(dir, base, head);
  const args = ["rev-list", "--reverse", "--topo-order", "--no-merges", head];
  const out = await git(fork ? [...args, `^${base}`] : args, { dir });
  let top = base;
  for (const commit of await readCommits(dir, out.toString("latin1").split("\n").filter(Boolean))) {
    const [parent] = commit.parents;
    const [onto] = await readCommits(dir, [top]);
    if (!onto) return null;
    // A commit of this tree on the old parent makes that parent the common ancestor: what is merged is this change alone.
    const parents = parent ? [parent] : [];
    const ours = await writeCommit(dir, { ...onto, parents });
    const tree = await mergedTree(dir, ours, commit.sha);
    if (tree === null) return null;
    const { author, message } = commit;
    top = await writeCommit(dir, { tree, parents: [top], author, committer, message });
  }
  return top;
}
