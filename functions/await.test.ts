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
interface Planned {
  readonly opts: { readonly timeout: string };
}
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
    ...{ "look-1": { data: { ...seen, ...look } }, ...told },
  };
  expect(await after(waits, id, data, before)).toMatchObject([{ displayName: "wait-1" }]);
  const malformed = { name: event, id: "m", ts: 1, data: { more: "than there may be" } };
  const next = await after(waits, id, data, { ...before, "wait-1": { data: malformed } });
  expect(next).toMatchObject([{ displayName: "look-2" }]);
});

test("who has heard a word listens closely again: another may have come while it looked", async () => {
  const data = { projectId: "p", runId: "r", inngestRunId: "i", round: "1" };
  const look = { data: { ...seen, state: "pending", graceSeconds: null } };
  const word = { data: { name: "repo.checked", id: "w", ts: 1, data: {} } };
  const steps: Record<string, { data: unknown }> = { begin: { data: 0 }, ...told };
  const waits: string[] = [];
  for (const [n, ended] of [{ data: null }, { data: null }, word, { data: null }].entries()) {
    steps[`look-${n + 1}`] = look;
    const [wait] = (await after([awaitChecks], "await-checks", data, steps)) as Planned[];
    expect(wait).toMatchObject({ displayName: `wait-${n + 1}` });
    waits.push(wait?.opts.timeout ?? "");
    steps[`wait-${n + 1}`] = ended;
  }
  expect(waits).toEqual(["2s", "10s", "20s", "2s"]);
});

test("a run whose approval has expired says so, and then fails; one that was granted goes on", async () => {
  const data = { projectId: "p", runId: "r", inngestRunId: "i", round: "1", approvalId: "a" };
  const looked = { intentHash: "0".repeat(64), secondsLeft: 5 };
  const next = (status: string, before = {}) =>
    after(waits, "await-approval", data, { "look-1": { data: { ...looked, status } }, ...before });
  expect(await next("granted")).toMatchObject([{ displayName: "check" }]);
  expect(await next("expired")).toMatchObject([{ displayName: "say-expired" }]);
  expect(await next("expired", { "say-expired": sent })).toMatchObject([{ displayName: "check" }]);
});
