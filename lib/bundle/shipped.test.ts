import { expect, test } from "vitest";
import type { BundledEffect } from "./format.ts";
import { nothingShipped, shippedCommit } from "./shipped.ts";
import { approvalStatement, slsaStatement } from "./statements.ts";

const [MERGED, BUILT, BASE] = ["a", "b", "c"].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string,
];

function effect(change: Partial<BundledEffect>): BundledEffect {
  return {
    ...{ id: "eff_1", stepId: "s", kind: "repo.merge", scope: "repo.merge", status: "confirmed" },
    ...{ attempt: 1, intentHash: "0".repeat(64), approvalId: "appr_1", externalId: MERGED },
    ...{ externalUrl: null, error: null, params: null },
    intent: { repository: "acme/whole", base: BASE, head: BUILT },
    ...change,
  };
}

const built = effect({
  ...{ id: "eff_2", kind: "vercel.deployment", externalId: "dpl_1" },
  intent: { repository: "acme/whole", commit: BUILT },
});
const promoted = effect({
  ...{ id: "eff_3", kind: "vercel.promotion", externalId: "dpl_1" },
  intent: { deployment: "dpl_1", commit: BUILT, previous: "dpl_0" },
});
const back = effect({
  ...{ id: "eff_4", kind: "vercel.rollback", externalId: "dpl_0" },
  intent: { from: "dpl_1", to: "dpl_0" },
});
const again = { ...promoted, id: "eff_5" };

test("what is out is the commit that was deployed, else the one that was merged, else none", () => {
  expect(shippedCommit([effect({})])).toMatchObject({ sha: MERGED, by: "merged" });
  const [merged, out] = [{ by: "merged" }, { sha: BUILT, by: "deployed", effectId: "eff_2" }];
  const after = (...effects: BundledEffect[]) => shippedCommit([effect({}), ...effects]);
  expect(after(built, promoted)).toMatchObject(out);
  expect(after(built, promoted, { ...back, status: "abandoned" })).toMatchObject(out);
  expect(after(built, promoted, back, again)).toMatchObject(out);
  expect(after(built)).toMatchObject(merged);
  for (const status of ["abandoned", "failed", "sent", "unknown"]) {
    expect(after(built, { ...promoted, status })).toMatchObject(merged);
  }
  expect(after(built, promoted, back)).toMatchObject(merged);
  expect(after(built, promoted, { ...back, status: "unknown" })).toMatchObject(merged);
  expect(after({ ...built, externalId: "dpl_2" }, promoted)).toMatchObject(merged);
  expect(shippedCommit([built])).toBeNull();
  expect(shippedCommit([effect({ status: "unknown" })])).toBeNull();
  expect(shippedCommit([effect({ kind: "repo.push" })])).toBeNull();
  expect(shippedCommit([effect({ externalId: "not a commit" })])).toBeNull();
  expect(shippedCommit([])).toBeNull();
});

test("a run that shipped nothing says why, and of what nobody knows whether it was done", () => {
  const run = { kind: "implementation", mode: "apply", status: "canceled" as const, error: null };
  expect(nothingShipped(run, [effect({})])).toBeNull();
  expect(nothingShipped(run, [effect({ status: "unknown" })])).toContain("eff_1 is not known");
  expect(nothingShipped({ ...run, status: "succeeded" }, [])).toBe("Nothing was left to be done.");
});

const stated = {
  run: {
    ...{ id: "run-1", projectId: "p", kind: "implementation", mode: "apply", attempt: 1 },
    ...{ status: "succeeded" as const, requestedBy: "ci", input: {}, error: null },
    ...{ remediation: null, result: null },
    requestedAt: "2026-01-01T00:00:00.000Z",
    endedAt: "2026-01-01T00:01:00.000Z",
    cut: { seq: 9, hash: "9".repeat(64), at: "2026-01-01T00:01:00.000Z" },
  },
  approvals: [],
  artifacts: [],
  manifestSha256: "f".repeat(64),
};

test("statements are about the commit that is out, and where none is about the manifest", () => {
  for (const statement of [slsaStatement, approvalStatement]) {
    expect(statement({ ...stated, effects: [built, promoted] }).subject).toEqual([
      { name: "pkg:github/acme/whole", digest: { gitCommit: BUILT } },
    ]);
    expect(statement({ ...stated, effects: [effect({}), built] }).subject).toEqual([
      { name: "pkg:github/acme/whole", digest: { gitCommit: MERGED } },
    ]);
    expect(statement({ ...stated, effects: [] }).subject).toEqual([
      { name: "manifest.json", digest: { sha256: stated.manifestSha256 } },
    ]);
  }
});

test("every resource of the provenance has a digest, and the commits that were merged are among them", () => {
  const { predicate } = slsaStatement({ ...stated, effects: [effect({}), built, promoted] });
  const { resolvedDependencies } = predicate.buildDefinition;
  for (const one of [...resolvedDependencies, ...predicate.runDetails.byproducts]) {
    expect(Object.values(one.digest)[0]).toMatch(/^[0-9a-f]{40,64}$/);
  }
  expect(resolvedDependencies.map(({ digest }) => digest)).toEqual([
    { gitCommit: BASE },
    { gitCommit: BUILT },
  ]);
});
