import { afterAll, beforeAll, expect, test } from "vitest";
import { EffectDesk, ENGINE, OWNER } from "../../test/support/effects.ts";
import { readRunAudit } from "../data/audit.server.ts";
import { newId } from "../ids.ts";
import { acceptRun } from "../runs/accept.ts";
import { beginRun } from "../runs/life.ts";
import { recordProvisioned } from "./record.ts";

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

test("what was made by hand for two runs is told in each one's own account", async () => {
  const { projectId } = await desk.run();
  const made = { resourceId: "orders", provider: "neon" as const, resourceType: "db_project" };
  const runs = [newId("run"), newId("run")];
  const noted: string[] = [];
  for (const runId of runs) {
    const input = {
      target: "repository",
      title: "A shop",
      repository: "acme/shop",
      changes: { from: "files", files: [{ path: "README.md", content: "Shop\n" }] },
      deploy: {
        project: "shop",
        resources: [{ name: "orders", type: "neon.project", mode: "manual" }],
      },
    };
    const asked = { projectId, runId, kind: "implementation" as const, requestedBy: OWNER };
    await acceptRun({ ...asked, input, eventId: newId("run") });
    await beginRun({ runId, inngestRunId: ENGINE });
    noted.push(
      (await recordProvisioned({ projectId, runId, ...made, externalId: "by-hand-1" })).id,
    );
  }
  expect(new Set(noted).size).toBe(1);
  for (const runId of runs) {
    const told = await readRunAudit({ projectId, runId });
    expect(told.map(({ action, payload }) => [action, payload.runId])).toEqual([
      ["run.requested", runId],
      ["run.running", runId],
      ["infra.recorded", runId],
    ]);
  }
});
