import { rm } from "node:fs/promises";
import { join } from "node:path";
import { git } from "./git.ts";
import { checkedSha } from "./names.ts";

const NUL = "\0";

/**
 * Which of these paths of a commit its `.gitattributes` give one of these attributes, by path and attribute. Git reads the
 * attributes; filters and drivers that they name are only names to it here.
 */
export async function attributesOf(
  dir: string,
  {
    commitSha,
    paths,
    names,
  }: { commitSha: string; paths: readonly string[]; names: readonly string[] },
  signal?: AbortSignal,
): Promise<Map<string, Set<string>>> {
  const index = join(dir, "attributes-index");
  const call = { dir, signal, env: { GIT_INDEX_FILE: index }, maxBytes: 512 * 2 ** 20 };
  try {
    await git(["read-tree", "--end-of-options", checkedSha(commitSha)], call);
    const input = paths.map((path) => path + NUL).join("");
    const args = ["check-attr", "--cached", "--stdin", "-z", ...names];
    const said = (await git(args, { ...call, input })).toString("utf8").split(NUL);
    const found = new Map<string, Set<string>>();
    for (let at = 0; at + 2 < said.length; at += 3) {
      const [path = "", name = "", value] = said.slice(at, at + 3);
      if (value !== "set" && value !== "true") continue;
      found.set(path, (found.get(path) ?? new Set()).add(name));
    }
    return found;
  } finally {
    await rm(index, { force: true });
  }
}
