import * as z from "zod";
import { until } from "#local/client.ts";
import { BUILD, type Providers, type Repository } from "./providers.ts";
import type { OutsideObject, Target } from "./target.ts";

const made = z.object({ id: z.string() });
const deployment = z.object({ readyState: z.string(), readySubstate: z.string().nullish() });
const project = z.object({
  alias: z.array(
    z.object({ target: z.string(), deployment: z.object({ id: z.string() }).nullish() }),
  ),
});
const deployments = z.object({
  deployments: z.array(
    z.object({ uid: z.string(), meta: z.record(z.string(), z.unknown()).nullish() }),
  ),
});

/**
 * A merged change whose production does not answer, so that it goes back: each run finds a project at Vercel that serves the
 * first commit of its repository, and ends as failed.
 */
export function rollbackTarget(providers: Providers, repository: Repository): Target {
  const { vercel } = providers.control;
  /** Of each run, its project and what that served before. */
  const before = new Map<string, { projectId: string; first: string }>();
  const served = async (projectId: string) => {
    const { alias } = project.parse(await vercel("GET", `/v9/projects/${projectId}`));
    return alias.find(({ target }) => target === "PRODUCTION")?.deployment?.id;
  };
  return {
    ...providers,
    // The four of the repository, a build, its promotion, and the way back.
    effects: repository.effects + 3,
    approvals: repository.approvals + 2,
    ends: "failed",
    async prepare(place) {
      const { runId } = place;
      await vercel("PUT", "/_hold", {});
      await repository.prepare(place);
      const gitRepository = { type: "github", repo: `acme/${runId}` };
      const { id: projectId } = made.parse(
        await vercel("POST", "/v11/projects", { name: runId, gitRepository }),
      );
      await vercel("PATCH", `/v9/projects/${projectId}`, { autoAssignCustomDomains: false });
      const source = { type: "github", org: "acme", repo: runId, ref: "main" };
      const { id: first } = made.parse(
        await vercel("POST", "/v13/deployments?forceNew=1&skipAutoDetectionConfirmation=1", {
          ...{ name: runId, project: projectId, target: "production" },
          gitSource: { ...source, sha: repository.first(runId) },
          autoAssignCustomDomains: false,
        }),
      );
      await until("what is served first", async () => {
        const { readyState } = deployment.parse(await vercel("GET", `/v13/deployments/${first}`));
        return readyState === "READY";
      });
      await vercel("POST", `/v10/projects/${projectId}/promote/${first}`);
      await until("production", async () => (await served(projectId)) === first);
      before.set(runId, { projectId, first });
      await vercel("PUT", "/_builds", BUILD);
      // From now on nothing that is promoted answers.
      await vercel("PUT", "/_hold", { production: true });
    },
    async left(runId) {
      const merged = await repository.left(runId);
      const { projectId, first } = before.get(runId) ?? { projectId: "", first: "" };
      const objects: OutsideObject[] = [...merged.objects];
      const list = await vercel("GET", `/v7/deployments?projectId=${projectId}`);
      for (const { uid, meta } of deployments.parse(list).deployments) {
        if (uid === first) continue;
        objects.push({ id: uid, marker: String(meta?.countersignEffect) });
        const { readySubstate } = deployment.parse(await vercel("GET", `/v13/deployments/${uid}`));
        if (readySubstate === "PROMOTED")
          objects.push({ id: uid, marker: null, kind: "vercel.promotion" });
      }
      const now = await served(projectId);
      if (now) objects.push({ id: now, marker: null, kind: "vercel.rollback" });
      const wrong = now === first ? [] : [`production serves ${now} and not ${first}`];
      return { objects, wrong: [...merged.wrong, ...wrong] };
    },
  };
}
