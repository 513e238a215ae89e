import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createDeployment,
  type DeploymentFacts,
  readDeployment,
} from "../../lib/vercel/deployments.ts";
import { createProject, type ProjectFacts } from "../../lib/vercel/projects.ts";
import { type At, hub } from "../github/testing.ts";
import type { LocalPart } from "../part.ts";
import { startVercel, type VercelOptions } from "./server.ts";

/** A page, a build that makes it, and what it was built with. */
export const SHOP: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify({ name: "shop", scripts: { build: "node build.mjs" } }),
  "build.mjs": `import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
mkdirSync("dist", { recursive: true });
const page = readFileSync("page.html", "utf8");
const names = Object.keys(process.env).filter((name) => name.startsWith("SHOP_")).sort();
writeFileSync("dist/index.html", page.replace("{names}", names.join(" ")));
console.log("built the shop");
`,
  "page.html": "<h1>First</h1> {names}\n",
};

/** What is served at a URL: its status and text. */
export async function page(url: string): Promise<string> {
  const response = await fetch(url);
  return `${response.status} ${(await response.text()).trim()}`;
}

/** A local GitHub with a repository, and a local Vercel that deploys from it; both end with the test. */
export async function cloud(
  options: Partial<VercelOptions> & { files?: Readonly<Record<string, string>> } = {},
) {
  const github = await hub();
  const { files = SHOP, ...more } = options;
  const dir = join(github.work, "vercel");
  const start = (port = 0) =>
    startVercel({ dir, port, githubUrl: github.url, githubToken: github.token, ...more });
  let part: LocalPart = await start();
  const at: At = await github.repository("shop", files);
  // Where nothing can hold its build, the repository is one that is trusted: its scripts are above.
  process.env.SANDBOX_TRUSTED_REPOS = `${at.owner}/${at.repo}`;
  const commit = async () => (await github.git(at, "rev-parse", "main")).trim();
  const { signal } = new AbortController();
  let count = 0;
  return {
    github,
    at,
    dir,
    /** The newest commit of main. */
    commit,
    /** Its environment now. */
    get env(): Readonly<Record<string, string>> {
      return part.env;
    },
    get url(): string {
      return part.url;
    },
    /** Ends it and starts it again on the same port and directory. @param meanwhile what happens in between. */
    async restart(meanwhile?: () => Promise<void>): Promise<void> {
      await part.close();
      await meanwhile?.();
      part = await start(Number(new URL(part.url).port));
    },
    /** A request to the routes for tests. */
    async control<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
      const headers = { authorization: `Bearer ${part.env.VERCEL_TOKEN}` };
      const response = await fetch(`${part.url}${path}`, {
        ...{ method, headers, body: JSON.stringify(body) },
      });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return (response.status === 204 ? undefined : await response.json()) as T;
    },

    /** A project that is linked to the repository, by the client that the environment points here. */
    async project(): Promise<ProjectFacts> {
      const name = `shop-${count++}`;
      const made = { name, repository: { owner: at.owner, repo: at.repo }, marker: `eff_${name}` };
      return await createProject(made, signal);
    },
    /** A deployment of the newest commit, or of `sha`. */
    async deploy(
      project: { id: string; name: string },
      { marker = `eff_${count++}`, sha }: { marker?: string; sha?: string } = {},
    ): Promise<DeploymentFacts> {
      const repository = { owner: at.owner, repo: at.repo };
      const wanted = { project, repository, ref: "main", marker, sha: sha ?? (await commit()) };
      return await createDeployment(wanted, signal);
    },
    /** A deployment that has come into one of these states: at the end unless said. */
    async reached(
      id: string,
      states: readonly DeploymentFacts["state"][] = ["ready", "error", "canceled"],
    ): Promise<DeploymentFacts> {
      for (const end = Date.now() + 60_000; ; await sleep(50)) {
        const found = await readDeployment(id, signal);
        if (found && states.includes(found.state)) return found;
        if (Date.now() > end) throw new Error(`${id} is ${found?.state ?? "gone"}`);
      }
    },

    async [Symbol.asyncDispose]() {
      await part.close();
      await github[Symbol.asyncDispose]();
    },
  };
}
