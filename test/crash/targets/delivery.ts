import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { sourceOf } from "#lib/provision/comment.ts";
import { type PartProcess, startPartProcess } from "#local/process.ts";
import type { TestServer } from "../../setup/global.ts";
import type { repositoryTarget } from "./repository.ts";
import { startRouter } from "./router.ts";
import { controls, type OutsideObject, type Target } from "./target.ts";

/** Enough for the calls of one effect on a busy machine; the first loads a client. */
const TIMEOUT_SECONDS = 5;
const main = (part: string) =>
  fileURLToPath(new URL(`../../../local/${part}/main.ts`, import.meta.url));

const project = z.object({
  id: z.string(),
  link: z.object({ org: z.string(), repo: z.string() }).nullish(),
  alias: z.array(
    z.object({ target: z.string(), deployment: z.object({ id: z.string() }).nullish() }),
  ),
});
const variables = z.object({
  envs: z.array(
    z.object({ key: z.string(), target: z.array(z.string()), comment: z.string().nullish() }),
  ),
});
const deployments = z.object({
  deployments: z.array(
    z.object({ uid: z.string(), meta: z.record(z.string(), z.unknown()), projectId: z.string() }),
  ),
});
const neonProjects = z.object({
  projects: z.array(z.object({ id: z.string(), name: z.string() })),
});
const upstashResources = z.object({
  indexes: z.array(z.object({ id: z.string(), name: z.string() })),
  databases: z.array(z.object({ id: z.string(), name: z.string() })),
});

/**
 * What a merged change is deployed to, besides the GitHub of {@link repositoryTarget}: a local Vercel, Neon API and Upstash API
 * behind one address. Each run has a project at Vercel and resources that are named after it.
 */
export async function deliveryTarget(
  dir: string,
  {
    server,
    repository,
  }: { server: TestServer; repository: Awaited<ReturnType<typeof repositoryTarget>> },
): Promise<Target> {
  const github = repository.own;
  const opened: { close(): Promise<void> }[] = [];
  const open = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const part = await starting;
    opened.unshift(part);
    return part;
  };
  const start = (part: string, env: Record<string, string | undefined>, args: string[] = []) =>
    open<PartProcess>(
      startPartProcess(main(part), {
        dir: join(dir, part),
        args,
        env: env as Record<string, string>,
      }),
    );
  const vector = await start("upstash-vector", {});
  const trusted = { ...github, SANDBOX_TRUSTED_REPOS: process.env.SANDBOX_TRUSTED_REPOS ?? "" };
  const vercel = await start("vercel", trusted, ["--github-url", repository.url]);
  const neon = await start("neon-api", { DATABASE_URL: server.url, NEON_WS_PROXY: server.wsProxy });
  const upstash = await start("upstash-api", { ...vector.env });
  const router = await open(
    startRouter({ vercel: vercel.url, neon: neon.url, upstash: upstash.url }),
  );
  const { VERCEL_TOKEN = "" } = vercel.env;
  const { NEON_API_KEY = "" } = neon.env;
  const { UPSTASH_EMAIL = "", UPSTASH_API_KEY = "" } = upstash.env;
  const basic = Buffer.from(`${UPSTASH_EMAIL}:${UPSTASH_API_KEY}`).toString("base64");
  const control = {
    vercel: controls(vercel.url, `Bearer ${VERCEL_TOKEN}`),
    neon: controls(neon.url, `Bearer ${NEON_API_KEY}`),
    upstash: controls(upstash.url, `Basic ${basic}`),
  };

  /** What the run has made at the three, and what is wrong with it. */
  async function made(runId: string): Promise<{ objects: OutsideObject[]; wrong: string[] }> {
    const wrong: string[] = [];
    const objects: OutsideObject[] = [];
    const found = await control.vercel("GET", `/v9/projects/${runId}`).catch(() => null);
    if (found === null) return { objects, wrong: ["there is no project at Vercel"] };
    const { id, link, alias } = project.parse(found);
    if (`${link?.org}/${link?.repo}` !== `acme/${runId}`)
      wrong.push("the project builds another repository");
    const { envs } = variables.parse(await control.vercel("GET", `/v10/projects/${id}/env`));
    objects.push({ id, marker: null, kind: "vercel.project" });
    const set = envs.filter(({ target }) => target.includes("production"));
    if (set.length !== 5) wrong.push(`${set.length} variables instead of 5`);
    const markers = new Set(set.map(({ comment }) => sourceOf(comment ?? null)?.marker ?? null));
    for (const marker of markers) objects.push({ id: `${id}/production`, marker });
    const list = await control.vercel("GET", `/v7/deployments?projectId=${id}`);
    for (const { uid, meta } of deployments.parse(list).deployments) {
      objects.push({ id: uid, marker: String(meta.countersignEffect) });
    }
    const served = alias.find(({ target }) => target === "PRODUCTION")?.deployment?.id;
    if (served) objects.push({ id: served, marker: null, kind: "vercel.promotion" });
    const { projects } = neonProjects.parse(await control.neon("GET", "/_local/projects"));
    const { indexes, databases } = upstashResources.parse(
      await control.upstash("GET", "/_local/resources"),
    );
    for (const one of [...projects, ...indexes, ...databases]) {
      const [, resource, suffix] = /^(.*)-([0-9a-z]{26})$/.exec(one.name) ?? [];
      if (resource && resource.replace(/^(?:db|words|cache)-/, "") === runId)
        objects.push({ id: one.id, marker: `eff_${suffix}` });
    }
    return { objects, wrong };
  }

  return {
    url: router.url,
    // The four of the repository, a project, three resources, the variables, a build and its promotion.
    effects: repository.effects + 7,
    approvals: repository.approvals + 3,
    timeoutMs: TIMEOUT_SECONDS * 1000,
    env: (gateUrl) => ({
      VERCEL_API_URL: `${gateUrl}/vercel`,
      VERCEL_TOKEN,
      NEON_API_URL: `${gateUrl}/neon/api/v2`,
      NEON_API_KEY,
      UPSTASH_API_URL: `${gateUrl}/upstash/v2`,
      UPSTASH_EMAIL,
      UPSTASH_API_KEY,
      PROVIDER_TIMEOUT_SECONDS: String(TIMEOUT_SECONDS),
    }),
    label({ method, path }) {
      if (method === "GET") return undefined;
      const [, service, , ...rest] = (path.split("?")[0] ?? "").split("/");
      const words = rest.filter((word) => /^[a-z]+$/.test(word) && word !== "api" && word !== "v");
      return `call: ${method} ${service} ${words.join("/")}`;
    },
    prepare: (place) => repository.prepare(place),
    async strike(_, { struck, provider }, { fault, times, ms }) {
      const at = control[provider ?? "vercel"];
      await at("PUT", "/_faults", { ...struck, fault, times, ms });
    },
    async left(runId) {
      const [merged, here] = await Promise.all([repository.left(runId), made(runId)]);
      return {
        objects: [...merged.objects, ...here.objects],
        wrong: [...merged.wrong, ...here.wrong],
      };
    },
    async close() {
      for (const part of opened) await part.close();
    },
  };
}
