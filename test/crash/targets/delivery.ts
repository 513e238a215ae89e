import * as z from "zod";
import { sourceOf } from "#lib/provision/comment.ts";
import { BUILD, type Providers, type Repository } from "./providers.ts";
import type { OutsideObject, Target } from "./target.ts";

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
 * A merged change that goes to production: besides what is in {@link Repository}, each run has a project at Vercel and resources
 * that are named after it.
 */
export function deliveryTarget(providers: Providers, repository: Repository): Target {
  const { vercel, neon, upstash } = providers.control;

  /** What the run has made at the three, and what is wrong with it. */
  async function made(runId: string): Promise<{ objects: OutsideObject[]; wrong: string[] }> {
    const wrong: string[] = [];
    const objects: OutsideObject[] = [];
    const found = await vercel("GET", `/v9/projects/${runId}`).catch(() => null);
    if (found === null) return { objects, wrong: ["there is no project at Vercel"] };
    const { id, link, alias } = project.parse(found);
    if (`${link?.org}/${link?.repo}` !== `acme/${runId}`)
      wrong.push("the project builds another repository");
    const { envs } = variables.parse(await vercel("GET", `/v10/projects/${id}/env`));
    objects.push({ id, marker: null, kind: "vercel.project" });
    const set = envs.filter(({ target }) => target.includes("production"));
    if (set.length !== 5) wrong.push(`${set.length} variables instead of 5`);
    const markers = new Set(set.map(({ comment }) => sourceOf(comment ?? null)?.marker ?? null));
    for (const marker of markers) objects.push({ id: `${id}/production`, marker });
    const list = await vercel("GET", `/v7/deployments?projectId=${id}`);
    for (const { uid, meta } of deployments.parse(list).deployments) {
      objects.push({ id: uid, marker: String(meta.countersignEffect) });
    }
    const served = alias.find(({ target }) => target === "PRODUCTION")?.deployment?.id;
    if (served) objects.push({ id: served, marker: null, kind: "vercel.promotion" });
    const { projects } = neonProjects.parse(await neon("GET", "/_local/projects"));
    const { indexes, databases } = upstashResources.parse(
      await upstash("GET", "/_local/resources"),
    );
    for (const one of [...projects, ...indexes, ...databases]) {
      const [, resource, suffix] = /^(.*)-([0-9a-z]{26})$/.exec(one.name) ?? [];
      if (resource && resource.replace(/^(?:db|words|cache)-/, "") === runId)
        objects.push({ id: one.id, marker: `eff_${suffix}` });
    }
    return { objects, wrong };
  }

  return {
    ...providers,
    // The four of the repository, a project, three resources, the variables, a build and its promotion.
    effects: repository.effects + 7,
    approvals: repository.approvals + 3,
    ends: "succeeded",
    async prepare(place) {
      await vercel("PUT", "/_hold", {});
      await vercel("PUT", "/_builds", BUILD);
      await repository.prepare(place);
    },
    async left(runId) {
      const [merged, here] = await Promise.all([repository.left(runId), made(runId)]);
      return {
        objects: [...merged.objects, ...here.objects],
        wrong: [...merged.wrong, ...here.wrong],
      };
    },
  };
}
