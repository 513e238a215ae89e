import { join } from "node:path";
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
  const commit = async () => (await github.git(at, "rev-parse", "main")).trim();
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
    /** Ends it and starts it again on the same port and directory. */
    async restart(): Promise<void> {
      await part.close();
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
    async [Symbol.asyncDispose]() {
      await part.close();
      await github[Symbol.asyncDispose]();
    },
  };
}
