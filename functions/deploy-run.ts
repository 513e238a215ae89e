import { invoke, NonRetriableError } from "inngest";
import { noteUnusable } from "#lib/deploy/look.ts";
import { abandonKept } from "#lib/effects/abandon.ts";
import { errorMessage } from "#lib/errors.ts";
import {
  artifactCreated,
  deploymentUpdated,
  infraProvisioned,
} from "#lib/events/catalogue/delivery.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { made, publishedContract } from "#lib/provision/made.ts";
import { awaitBuild } from "./await-build.ts";
import { awaitHealth } from "./await-health.ts";
import { awaitInfra } from "./await-infra.ts";
import { bringAbout } from "./bring-about.ts";
import { RUN, verifyData } from "./phase.ts";

/**
 * From the merged commit to production: what the app needs, after one approval; a build of exactly that commit, after another; and
 * that production serves it, after a third. When production then does not answer as it has to, it goes back.
 */
export const deployRun = inngest.createFunction(
  { ...RUN, id: "deploy-run", triggers: [invoke(verifyData)] },
  async ({ event, step }) => {
    const ours = event.data;
    const { attempt, ...ids } = ours;
    const { projectId, runId } = ids;

    // What an earlier start had begun to take back comes first: whether it was could not be told once production serves the next build.
    if (attempt > 1) await bringAbout(step, ours, "settle");
    await bringAbout(step, ours, "infra");
    const contract = await step.run("contract", () => publishedContract(ids));
    await step.sendEvent("announce-contract", happened(artifactCreated, contract));
    const resources = await step.run("resources", () => made(ids));
    if (resources.length > 0) {
      const events = resources.map((one) => happened(infraProvisioned, one));
      await step.sendEvent("announce-resources", events);
    }
    const infra = { ...ids, round: `infra-${attempt}` };
    await step.invoke("await-infra", { function: awaitInfra, data: infra });

    await bringAbout(step, ours, "deploy");
    const build = { ...ids, round: `build-${attempt}` };
    const built = await step.invoke("await-build", { function: awaitBuild, data: build });
    const { deploymentId } = built;
    const toAsk = (place: "deployment" | "production") => {
      return { function: awaitHealth, data: { ...ids, round: `${place}-${attempt}`, place } };
    };
    const own = await step.invoke("health", toAsk("deployment"));
    if (!own.healthy) {
      const error = `deployment_unhealthy: ${own.url} answered ${own.said}.`;
      await step.run("note-unusable", () => noteUnusable(runId, error));
      throw new NonRetriableError(error);
    }

    await bringAbout(step, ours, "promote", { keep: "rollback" });
    const live = await step.invoke("health-production", toAsk("production"));
    const told = (status: string) =>
      happened(deploymentUpdated, { projectId, runId, deploymentId, status, url: live.url });
    if (live.healthy) {
      const reason = "Production answers as it has to.";
      await step.run("settle", () => abandonKept({ runId, kind: "vercel.rollback", reason }));
      await step.sendEvent("announce-promoted", told("promoted"));
      return { deploymentId, url: live.url };
    }
    const unhealthy = `production_unhealthy: ${live.url} answered ${live.said}.`;
    const { effects } = await bringAbout(step, ours, "rollback").catch((error: unknown) => {
      // What is wrong is that production does not answer; that it could not go back comes second.
      throw new NonRetriableError(`${unhealthy} It did not go back: ${errorMessage(error)}`);
    });
    if (effects === 0) throw new NonRetriableError(`${unhealthy} There was nothing to go back to.`);
    await step.sendEvent("announce-back", told("rolled_back"));
    throw new NonRetriableError(`${unhealthy} It went back to what it served before.`);
  },
);
