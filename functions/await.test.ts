import { createHash } from "node:crypto";
import { serve } from "inngest/edge";
import { expect, test } from "vitest";
import { inngest } from "#lib/events/client.ts";
import { awaitApproval } from "./await-approval.ts";
import { awaitBuild } from "./await-build.ts";
import { awaitChecks } from "./await-checks.ts";
import { awaitInfra } from "./await-infra.ts";
import { awaitResolution } from "./await-resolution.ts";

const served = serve({
  client: inngest.setEnvVars({ INNGEST_DEV: "1" }),
  functions: [awaitApproval, awaitBuild, awaitChecks, awaitInfra, awaitResolution],
});

/** What a function would do next after these steps, as the engine is told. */
async function after(
  id: string,
  data: Record<string, unknown>,
  steps: Record<string, unknown>,
): Promise<unknown> {
  const hash = (step: string) => createHash("sha1").update(step).digest("hex");
  const done = Object.entries(steps).map(([step, result]) => [
    ...[hash(step), { type: "data", data: result }],
  ]);
  const event = { name: "inngest/function.invoked", id: "e", ts: 1, data };
  const stack = { stack: done.map(([step]) => step), current: done.length };
  const ctx = {
    ...{ fn_id: id, run_id: "r", env: "local", step_id: "step", attempt: 0 },
    ...{ disable_immediate_execution: true, use_api: false, stack },
  };
  const response = await served(
    new Request(`http://localhost/api/inngest?fnId=countersign-${id}&stepId=step`, {
      method: "POST",
      headers: { host: "localhost" },
      body: JSON.stringify({
        ...{ version: 2, ctx, event, events: [event], steps: Object.fromEntries(done) },
      }),
    }),
  );
  return await response.json();
}

const seen = {
  headSha: "0".repeat(40),
  effectId: "f",
  deploymentId: "d",
  url: "https://d.example",
};
const told = { "say-waiting": { ids: [] }, "announce-pending": { ids: [] } };

test.each([
  { id: "await-approval", event: "approval.settled", look: { status: "pending" } },
  { id: "await-resolution", event: "effect.settled", look: { unknown: true } },
  { id: "await-checks", event: "repo.checked", look: { state: "pending" } },
  { id: "await-infra", event: "infra.provisioned", look: { complete: false } },
  { id: "await-build", event: "deployment.reported", look: { status: "pending" } },
])("an event that does not fit the catalogue only wakes $id", async ({ id, event, look }) => {
  const ids = { projectId: "p", runId: "r", inngestRunId: "i", round: "1" };
  const data = { ...ids, approvalId: "a", effectId: "f" };
  const before = {
    ...{ instructions: null, begin: 0, "look-1": { ...seen, ...look, waitSeconds: 60 } },
    ...told,
  };
  expect(await after(id, data, before)).toMatchObject([{ displayName: "wait-1" }]);
  const malformed = { name: event, id: "m", ts: 1, data: { more: "than there may be" } };
  const next = await after(id, data, { ...before, "wait-1": malformed });
  expect(next).toMatchObject([{ displayName: "look-2" }]);
});
