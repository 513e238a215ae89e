import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commitFiles, type Files } from "#lib/git/fixtures.ts";
import { git } from "#lib/git/git.ts";
import { client } from "#local/github/people.ts";

/** A repository on the local GitHub, and what somebody with a clone of it does. */
export interface TestRepository {
  readonly owner: string;
  readonly name: string;
  readonly octokit: ReturnType<typeof client>;
  /** Makes a commit with exactly these files on top of `branch` and pushes it; returns its id. */
  push(files: Files, branch?: string): Promise<string>;
  close(): Promise<void>;
}

/** Makes an empty repository on the GitHub of a local cloud. */
export async function testRepository(
  name: string,
  env: { readonly [name: string]: string | undefined },
): Promise<TestRepository> {
  const { GITHUB_API_URL = "", GITHUB_TOKEN: token = "" } = env;
  const octokit = client(GITHUB_API_URL, token);
  const { data } = await octokit.rest.repos.createForAuthenticatedUser({ name });
  const dir = await mkdtemp(join(tmpdir(), "test-repository-"));
  await git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], { dir });
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  const config: [string, string][] = [
    ["protocol.http.allow", "always"],
    ["http.extraHeader", `Authorization: Basic ${basic}`],
  ];
  return {
    owner: data.owner.login,
    name: data.name,
    octokit,
    async push(files, branch = "main") {
      const sha = await commitFiles(dir, files, branch);
      await git(["push", "--quiet", data.clone_url, `refs/heads/${branch}`], { dir, config });
      return sha;
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
}
