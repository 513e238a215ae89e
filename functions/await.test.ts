import { expect, test } from "vitest";
import { after } from "../test/support/served.ts";
import { awaitApproval } from "./await-approval.ts";
import { awaitBuild } from "./await-build.ts";
import { awaitChecks } from "./await-checks.ts";
import { awaitInfra } from "./await-infra.ts";
import { awaitResolution } from "./await-resolution.ts";

const waits = [awaitApproval, awaitBuild, awaitChecks, awaitInfra, awaitResolution];
const seen = {
  headSha: "0".repeat(40),
  effectId: "f",
  deploymentId: "d",
  url: "https://d.example",
};
const sent = { data: { ids: [] } };
const told = { "say-waiting": sent, "announce-pending": sent };

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
    ...{ instructions: { data: null }, begin: { data: 0 } },
    ...{ "look-1": { data: { ...seen, ...look, waitSeconds: 60 } }, ...told },
  };
  expect(await after(waits, id, data, before)).toMatchObject([{ displayName: "wait-1" }]);
  const malformed = { name: event, id: "m", ts: 1, data: { more: "than there may be" } };
  const next = await after(waits, id, data, { ...before, "wait-1": { data: malformed } });
  expect(next).toMatchObject([{ displayName: "look-2" }]);
});

test("a run whose approval has expired says so, and then fails; one that was granted goes on", async () => {
  const data = { projectId: "p", runId: "r", inngestRunId: "i", round: "1", approvalId: "a" };
  const looked = { intentHash: "0".repeat(64), waitSeconds: 5 };
  const next = (status: string, before = {}) =>
    after(waits, "await-approval", data, { "look-1": { data: { ...looked, status } }, ...before });
  expect(await next("granted")).toMatchObject([{ displayName: "check" }]);
  expect(await next("expired")).toMatchObject([{ displayName: "say-expired" }]);
  expect(await next("expired", { "say-expired": sent })).toMatchObject([{ displayName: "check" }]);
});
