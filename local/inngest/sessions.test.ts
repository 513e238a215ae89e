import fc from "fast-check";
import { expect, test } from "vitest";
import { eventMeta, joinSessions } from "./sessions.ts";

test("given sessions win over inherited ones; null cuts one or all", () => {
  const propagated_sessions = { org: "acme", team: "core" };
  expect(joinSessions({ sessions: { org: "other" }, propagated_sessions })).toEqual({
    sessions: { org: "other", team: "core" },
  });
  expect(joinSessions({ sessions: { org: null }, propagated_sessions })).toEqual({
    sessions: { team: "core" },
  });
  expect(joinSessions({ sessions: null, propagated_sessions })).toEqual({});
  expect(joinSessions({ propagated_sessions, kept: 1 })).toEqual({
    kept: 1,
    sessions: propagated_sessions,
  });
});

const key = fc.stringMatching(/^[a-h]$/);
const id = fc.stringMatching(/^[a-z]{1,4}$/);

test("never more than five, no inherited one in place of a given one, nothing else of the input lost", () => {
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.option(id), { maxKeys: 5 }),
      fc.dictionary(key, id),
      (sessions, propagated_sessions) => {
        const input = eventMeta.parse({ sessions, propagated_sessions, other: "kept" });
        const joined = joinSessions(input) as { sessions?: Record<string, string>; other: string };
        const entries = Object.entries(joined.sessions ?? {});
        expect(entries.length).toBeLessThanOrEqual(5);
        for (const [name, value] of entries) {
          expect(value).toBe(name in sessions ? sessions[name] : propagated_sessions[name]);
        }
        for (const [name, value] of Object.entries(sessions)) {
          expect(joined.sessions?.[name]).toBe(value ?? undefined);
        }
        expect(joined.other).toBe("kept");
        expect(joined).not.toHaveProperty("propagated_sessions");
      },
    ),
  );
  expect(
    eventMeta.safeParse({ sessions: Object.fromEntries("abcdef".split("").map((k) => [k, k])) })
      .success,
  ).toBe(false);
});
