import { type Deployment, noteDeployment } from "../data/deployments.server.ts";
import { InvalidInput } from "../errors.ts";
import { targetOfRun } from "../provision/target.ts";
import { redactText } from "../redact.ts";
import { setRunStatus } from "../runs/life.ts";
import { buildLog } from "../vercel/build-log.ts";
import { type DeploymentFacts, readDeployment } from "../vercel/deployments.ts";
import { otherBuild } from "../vercel/other-build.ts";
import { readProject } from "../vercel/projects.ts";
import { askHealth } from "./health.ts";
import { deploymentOf } from "./state.ts";

const TIMEOUT_MS = 10_000;
/** For how long what was just made may not be seen. */
const UNSEEN_MS = 5 * 60_000;
/** How much of a build log an error carries: its end, where the reason is. */
const LOG_CHARS = 3500;
/** How long to wait before asking an app again, in seconds; the last goes on. */
const HEALTH_WAITS = [1, 1, 2, 3, 5, 10, 15];

interface Ours {
  readonly runId: string;
  readonly inngestRunId: string;
  /** When this wait began, in ms since the epoch. */
  readonly since: number;
}

/** What a look at a build has shown. `error` says why it is bad, with the end of its log. */
export interface BuildSeen {
  readonly deploymentId: string;
  readonly vercelDeploymentId: string;
  readonly url: string;
  readonly status: DeploymentFacts["state"];
  readonly outcome: "ready" | "pending" | "bad";
  readonly error: string | null;
}

/** Looks at the build of a run's newest deployment, notes its state, and says of the run whether it waits. */
export async function lookAtBuild({ since, ...ours }: Ours): Promise<BuildSeen> {
  const [{ deploy }, row] = await Promise.all([targetOfRun(ours.runId), deploymentOf(ours.runId)]);
  const { id: deploymentId, vercelDeploymentId } = row;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const facts = await readDeployment(vercelDeploymentId, signal);
  const name = `The deployment ${vercelDeploymentId} of ${deploy.project}`;
  const known = { deploymentId, vercelDeploymentId };
  if (!facts) {
    const unseen = { ...known, url: row.deploymentUrl, status: row.status };
    // We have made it: a read that does not show it came late.
    if (Date.now() - row.startedAt.getTime() < UNSEEN_MS) {
      await setRunStatus(ours, "waiting_external", { waitingFor: vercelDeploymentId });
      return { ...unseen, outcome: "pending", error: null };
    }
    const error = `deployment_gone: ${name} is not at Vercel any more.`;
    await noteDeployment({ vercelDeploymentId, metadata: { unusable: error } });
    return { ...unseen, outcome: "bad", error };
  }
  const { state: status, url } = facts;
  const seen = { ...known, url, status };
  const wanted = { projectId: row.vercelProjectId, sha: String(row.metadata.commitSha) };
  const other = otherBuild(facts, wanted);
  if (other) {
    const error = `deployment_other: ${other}`;
    await noteDeployment({ vercelDeploymentId, metadata: { unusable: error } });
    return { ...seen, outcome: "bad", error };
  }
  // A person who has named it need not have said where it is, or can have said another place.
  await noteDeployment({ vercelDeploymentId, status, deploymentUrl: url });
  if (status === "ready") {
    await setRunStatus(ours, "running");
    return { ...seen, outcome: "ready", error: null };
  }
  if (status === "error") {
    const log = await buildLog(vercelDeploymentId, signal);
    const why = facts.error ? `: ${redactText(facts.error).slice(0, 300)}` : "";
    const error = `deployment_failed: ${name} failed${why}.\n${log.slice(-LOG_CHARS)}`;
    return { ...seen, outcome: "bad", error: error.trim() };
  }
  if (status === "canceled") {
    return { ...seen, outcome: "bad", error: `deployment_canceled: ${name} was canceled.` };
  }
  if (Date.now() - since > deploy.buildMinutes * 60_000) {
    const error = `deployment_late: ${name} was not built in ${deploy.buildMinutes} minutes.`;
    return { ...seen, outcome: "bad", error };
  }
  await setRunStatus(ours, "waiting_external", { waitingFor: vercelDeploymentId });
  return { ...seen, outcome: "pending", error: null };
}

/** Where an app is asked: at the address of the deployment itself, or where production is. */
export type Place = "deployment" | "production";

/** What a look at a running app has shown. */
export interface HealthSeen {
  readonly outcome: "healthy" | "pending" | "unhealthy";
  readonly url: string;
  readonly said: string;
  readonly waitSeconds: number;
}

/** Asks an app once. It is unhealthy when it has not answered as it has to by the deadline of the run's input. */
export async function lookAtHealth({
  look,
  since,
  place,
  ...ours
}: Ours & { look: number; place: Place }): Promise<HealthSeen> {
  const [{ deploy }, row] = await Promise.all([targetOfRun(ours.runId), deploymentOf(ours.runId)]);
  const url = place === "deployment" ? row.deploymentUrl : await production(row);
  const { healthy, said } = await askHealth(url, deploy.health);
  const seen = { url, said, waitSeconds: HEALTH_WAITS[look - 1] ?? 15 };
  if (!healthy && Date.now() - since <= deploy.health.deadlineSeconds * 1000) {
    await setRunStatus(ours, "waiting_external", { waitingFor: url });
    return { ...seen, outcome: "pending" };
  }
  await setRunStatus(ours, "running");
  return { ...seen, outcome: healthy ? "healthy" : "unhealthy" };
}

/** Where production is. Throws InvalidInput (`production_moved`) when it does not serve this deployment: others answer there then. */
async function production(row: Deployment): Promise<string> {
  const { vercelProjectId, vercelDeploymentId } = row;
  const found = await readProject(vercelProjectId, AbortSignal.timeout(TIMEOUT_MS));
  const { productionDeploymentId: now = null, productionUrl: url } = found ?? {};
  if (now === vercelDeploymentId && url) return url;
  const what = `Production serves ${now ?? "nothing"} and not ${vercelDeploymentId}: somebody has changed it.`;
  throw new InvalidInput("production_moved", what);
}

/** Notes that a deployment is not to be used: a run that is asked for again builds another. */
export async function noteUnusable(runId: string, why: string): Promise<void> {
  const { vercelDeploymentId } = await deploymentOf(runId);
  await noteDeployment({ vercelDeploymentId, metadata: { unusable: why } });
}
