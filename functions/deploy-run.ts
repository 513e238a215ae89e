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
    // The same build can be promoted and taken back again by a later attempt.
    const told = (status: string, url: string) =>
      happened(deploymentUpdated, { projectId, runId, deploymentId, status, url }, `${attempt}`);
    const toAsk = (place: "deployment" | "production") => {
      return { function: awaitHealth, data: { ...ids, round: `${place}-${attempt}`, place } };
    };
    const own = await step.invoke("health", toAsk("deployment"));
    if (!own.healthy) {
      const error = `deployment_unhealthy: ${own.url} answered ${own.said}.`;
      // Production serves it all the same where an earlier start promoted it and was lost before it could go back.
      const { effects } = await bringAbout(step, ours, "rollback").catch(notBack(error));
      await step.run("note-unusable", () => noteUnusable(runId, error));
      if (effects === 0) throw new NonRetriableError(error);
      await step.sendEvent("announce-back", told("rolled_back", own.url));
      throw new NonRetriableError(
        wentBack(`production_unhealthy: ${own.url} answered ${own.said}.`),
      );
    }

    await bringAbout(step, ours, "promote", { keep: "rollback" });
    const live = await step.invoke("health-production", toAsk("production"));
    if (live.healthy) {
      const reason = "Production answers as it has to.";
      await step.run("settle", () => abandonKept({ runId, kind: "vercel.rollback", reason }));
      await step.sendEvent("announce-promoted", told("promoted", live.url));
      return { deploymentId, url: live.url };
    }
    const unhealthy = `production_unhealthy: ${live.url} answered ${live.said}.`;
    const { effects } = await bringAbout(step, ours, "rollback").catch(notBack(unhealthy));
    if (effects === 0) throw new NonRetriableError(`${unhealthy} There was nothing to go back to.`);
    await step.sendEvent("announce-back", told("rolled_back", live.url));
    throw new NonRetriableError(wentBack(unhealthy));
  },
);

const wentBack = (unhealthy: string) =>
  `${unhealthy} Production went back to what it served before.`;

/** What is wrong is that it does not answer; that production could not go back comes second. */
function notBack(unhealthy: string): (error: unknown) => never {
  return (error) => {
    throw new NonRetriableError(`${unhealthy} Production did not go back: ${errorMessage(error)}`);
  };
}
