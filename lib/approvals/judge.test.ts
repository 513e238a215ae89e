import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ASSURANCE } from "../policy/document.ts";
import { type Case, type DecisionKind, judge } from "./judge.ts";

const PEOPLE = ["owner", "bob", "eve", "ci", "mallory"];
const HASH = "a".repeat(64);
const now = new Date(1_000_000);

const decision = fc.record({
  kind: fc.constantFrom<DecisionKind>("granted", "denied", "revoked"),
  by: fc.constantFrom(...PEOPLE),
  intentHash: fc.constantFrom(HASH, HASH, HASH, "b".repeat(64)),
  eventId: fc.integer({ min: 1, max: 12 }).map(String),
  assurance: fc.constantFrom(...ASSURANCE),
  nonceUsed: fc.constantFrom(false, false, false, true),
});
const rule = fc.record({
  requester: fc.constantFrom("never", "unless_alone", "always"),
  assurance: fc.constantFrom(...ASSURANCE),
  approvers: fc.uniqueArray(fc.constantFrom("owner", "bob", "eve", "ci"), { minLength: 1 }),
});

type Voice = Case["voices"][number];

/** Plays decisions one after the other against one approval, as decide.ts writes what the verdicts say. */
function play(
  asked: { rule: Case["rule"]; quorum: number; expired: boolean },
  decisions: readonly Case["decision"][],
): { status: Case["approval"]["status"]; voices: (Voice & Case["decision"])[] } {
  const voices: (Voice & Case["decision"])[] = [];
  let status: Case["approval"]["status"] = "pending";
  for (const said of decisions) {
    const expiresAt = new Date(now.getTime() + (asked.expired ? 0 : 1));
    const approval = {
      status,
      intentHash: HASH,
      requestedBy: "ci",
      expiresAt,
      quorum: asked.quorum,
    };
    const verdict = judge({ approval, rule: asked.rule, voices, decision: said, now });
    if (!verdict.accepted || verdict.outcome === "repeated") continue;
    voices.push({ ...said, decision: said.kind, decidedBy: said.by });
    if (verdict.outcome !== "counted") status = verdict.outcome;
  }
  return { status, voices };
}

const story = fc.record({
  asked: fc.record({ rule, quorum: fc.integer({ min: 1, max: 3 }), expired: fc.boolean() }),
  decisions: fc.array(decision, { maxLength: 20 }),
});

describe("any decisions in any order", () => {
  test("a gate that is open was opened by enough different people who may, for this hash, in time", () => {
    fc.assert(
      fc.property(story, ({ asked, decisions }) => {
        const { status, voices } = play(asked, decisions);
        if (status !== "granted") return;
        const granted = voices.filter(({ kind }) => kind === "granted");
        const people = new Set(granted.map(({ by }) => by));
        expect(asked.expired).toBe(false);
        expect(people.size).toBe(asked.quorum);
        expect(granted).toHaveLength(asked.quorum);
        const least = ASSURANCE.indexOf(asked.rule.assurance);
        for (const { by, intentHash, nonceUsed, assurance } of granted) {
          expect(asked.rule.approvers).toContain(by);
          expect(intentHash).toBe(HASH);
          expect(nonceUsed).toBe(false);
          expect(ASSURANCE.indexOf(assurance)).toBeGreaterThanOrEqual(least);
        }
        if (asked.rule.requester === "never") expect(people).not.toContain("ci");
        const others = asked.rule.approvers.some((name) => name !== "ci");
        if (asked.rule.requester === "unless_alone" && others)
          expect([...people]).not.toEqual(["ci"]);
      }),
      { numRuns: 5000 },
    );
  });

  test("what was denied or revoked stays so, and the same event twice changes nothing", () => {
    fc.assert(
      fc.property(story, ({ asked, decisions }) => {
        const once = play(asked, decisions);
        const twice = play(
          asked,
          decisions.flatMap((said) => [said, said]),
        );
        expect(twice).toEqual(once);
        const end = decisions.findIndex((_, n) =>
          ["denied", "revoked"].includes(play(asked, decisions.slice(0, n + 1)).status),
        );
        if (end === -1) return;
        expect(once).toEqual(play(asked, decisions.slice(0, end + 1)));
      }),
      { numRuns: 1000 },
    );
  });
});

test("whoever asked may withdraw, and nobody else from outside may", () => {
  const asked: Parameters<typeof play>[0] = {
    rule: { requester: "never", assurance: "event", approvers: ["owner"] },
    quorum: 1,
    expired: false,
  };
  const said = (by: string) => ({
    ...{ kind: "denied" as const, by, intentHash: HASH, eventId: by },
    ...{ assurance: "event" as const, nonceUsed: false },
  });
  expect(play(asked, [said("mallory")]).status).toBe("pending");
  expect(play(asked, [said("ci")]).status).toBe("denied");
});
