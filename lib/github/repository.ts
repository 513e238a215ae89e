import type { RepoName } from "./branches.ts";
import { github } from "./client.ts";

/** A repository as GitHub names it today. */
export interface RepositoryFacts {
  readonly owner: string;
  readonly name: string;
  readonly defaultBranch: string;
  readonly htmlUrl: string;
  readonly cloneUrl: string;
}

/** What GitHub says about a repository; one that was renamed is found under its old name. Throws NotFound. */
export async function readRepository(
  name: RepoName,
  signal: AbortSignal,
): Promise<RepositoryFacts> {
  const what = `read the repository ${name.owner}/${name.repo}`;
  const { data } = await github(what, ({ rest }) =>
    rest.repos.get({ ...name, request: { signal } }),
  );
  return {
    owner: data.owner.login,
    name: data.name,
    defaultBranch: data.default_branch,
    htmlUrl: withoutCredentials(data.html_url),
    cloneUrl: withoutCredentials(data.clone_url),
  };
}

/** Some servers put the token into the URLs that they give. */
function withoutCredentials(text: string): string {
  const url = new URL(text);
  url.username = "";
  url.password = "";
  return url.href;
}
