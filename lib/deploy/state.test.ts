import { expect, test } from "vitest";
import type { Deployment } from "../data/deployments.server.ts";
import type { Effect } from "../data/effects.server.ts";
import { lastPromotion, nextBuild } from "./state.ts";

const deployment = (status: Deployment["status"], metadata = {}) =>
  ({ status, metadata }) as Deployment;

test("a run builds anew after each build that cannot be used, and only then", () => {
  expect(nextBuild([])).toBe(1);
  expect(nextBuild([deployment("ready")])).toBe(1);
  expect(nextBuild([deployment("error"), deployment("canceled")])).toBe(3);
  expect(nextBuild([deployment("ready", { unusable: "deployment_unhealthy: 503" })])).toBe(2);
});

test("the last promotion is the one with the highest number, whatever their order", () => {
  const effect = (stepId: string) => ({ stepId }) as Effect;
  expect(lastPromotion([effect("deploy-1"), effect("rollback-3")])).toBeNull();
  const steps = ["promote-10", "promote-9", "promote-x", "deploy-12"].map(effect);
  expect(lastPromotion(steps)).toMatchObject({ n: 10, effect: { stepId: "promote-10" } });
});
