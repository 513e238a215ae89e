import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { client, gitIn } from "./people.ts";
import { type GithubOptions, startGithub } from "./server.ts";

export type At = { readonly owner: string; readonly repo: string };

export async function writeFiles(directory: string, files: Readonly<Record<string, string>>) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

/** A local GitHub of its own for a test, with what people do to it; ends with the test. */
export async function hub(options: Partial<GithubOptions> = {}) {
  const work = await mkdtemp(join(tmpdir(), "countersign-github-"));
  const dir = options.dir ?? join(work, "state");
  const part = await startGithub({ ...options, dir });
  const {
    GITHUB_API_URL: api = "",
    GITHUB_TOKEN: token = "",
    GITHUB_WEBHOOK_SECRET: secret = "",
  } = part.env;
  const octokit = client(api, token);
  const clones = new Map<string, string>();
  const { url } = part;
  const cloned = async (at: At, as: string | null = token) => {
    const directory = await mkdtemp(join(work, "clone-"));
    await gitIn(directory, as, ["clone", "-q", `${url}/${at.owner}/${at.repo}.git`, "."]);
    return directory;
  };
  return {
    ...{ work, dir, part, api, url, token, secret, octokit, cloned },
    client: (auth?: string) => client(api, auth),

    /** A repository whose first commit was pushed with git. */
    async repository(name: string, files: Readonly<Record<string, string>>): Promise<At> {
      const { data } = await octokit.rest.repos.createForAuthenticatedUser({ name });
      const at = { owner: data.owner.login, repo: name };
      const directory = await mkdtemp(join(work, "first-"));
      await writeFiles(directory, files);
      for (const line of ["init -q -b main", "add .", "commit -q -m First"]) {
        await gitIn(directory, token, line.split(" "));
      }
      await gitIn(directory, token, ["push", "-q", data.clone_url, "main"]);
      return at;
    },

    /** Commits files on a branch and pushes it; returns the commit. */
    async push(
      at: At,
      branch: string,
      files: Readonly<Record<string, string>>,
      as: string = token,
    ): Promise<string> {
      const key = `${at.owner}/${at.repo} ${as}`;
      const directory = clones.get(key) ?? (await cloned(at, as));
      clones.set(key, directory);
      const run = (...args: string[]) => gitIn(directory, as, args);
      await run("fetch", "-q", "--prune");
      const from = (start: string) => run("checkout", "-q", "-B", branch, `origin/${start}`);
      await from(branch).catch(() => from("main"));
      await writeFiles(directory, files);
      await run("add", ".");
      await run("commit", "-q", "-m", `Change ${Object.keys(files).join(", ")}`);
      await run("push", "-q", "origin", branch);
      return (await run("rev-parse", "HEAD")).trim();
    },

    /** Runs git in the repository itself, where no answer of the server can be in the way. */
    async git(at: At, ...args: string[]): Promise<string> {
      const { data } = await octokit.rest.repos.get(at);
      return await gitIn(join(dir, "repos", `${data.id}.git`), null, args);
    },

    /** A request to the routes for tests. */
    async control<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${url}${path}`, {
        method,
        headers,
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return (response.status === 204 ? undefined : await response.json()) as T;
    },

    async [Symbol.asyncDispose]() {
      await part.close();
      await rm(work, { recursive: true, force: true });
    },
  };
}

/** The status and message of a refusal, which the call must end in. */
export async function refused(call: Promise<unknown>): Promise<[number, string, ...string[]]> {
  try {
    await call;
  } catch (error) {
    const { status, response } = error as {
      status: number;
      response?: { data?: { message?: string; errors?: { message?: string; field?: string }[] } };
    };
    const reasons = response?.data?.errors?.map(({ message, field }) => message ?? field ?? "");
    return [status, response?.data?.message ?? String(error), ...(reasons ?? [])];
  }
  throw new Error("it was not refused");
}
