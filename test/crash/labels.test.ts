import { expect, test } from "vitest";
import { Transactions, writes } from "./labels.ts";

test.each([
  [`select "id" from "effects" where "id" = $1 for update`, ["e"], undefined],
  [`select * from "effects" where "status" = $1`, ["sent"], undefined],
  [
    `update "effects" set "status" = $1, "sent_at" = now() where ("effects"."id" = $2 and "effects"."status" = $3) returning "id"`,
    ["sent", "e", "claimed"],
    "effects -> sent",
  ],
  [`update "runs" set "attempt" = $1 where "status" = $2`, ["2", "failed"], "runs updated"],
  [`update approvals set status = 'expired' where x`, [], "approvals -> expired"],
  [`delete from "projects" where "id" = $1`, ["p"], "projects deleted"],
  [
    `insert into "effects" ("id", "status", "intent") values ($1, default, $2), ($3, $4, $5) on conflict do nothing`,
    ["a", "{}", "b", "approved", "{}"],
    "effects new approved",
  ],
  [
    `insert into "audit_entries" ("id", "action", "key") values ($1, $2, $3), ($4, $5, $6) returning "seq"`,
    ["1", "effect.sent", null, "2", "run.running", "k"],
    "audit effect.sent, run.running",
  ],
  [
    `insert into "run_steps" ("id", "status", "attempt") values ($1, 'running', coalesce($2, 1)) on conflict ("run_id") do update set "status" = $3`,
    ["a", "1", "running"],
    "run_steps new running",
  ],
  [
    `with claimed as (update "effects" set "status" = 'claimed' returning "id") update "approvals" set "status" = $1`,
    ["used"],
    "effects -> claimed + approvals -> used",
  ],
])("%s", (sql, params, label) => {
  expect(writes({ sql, params })).toBe(label);
});

test("a commit is named for what it makes lasting, and only then", () => {
  const transactions = new Transactions();
  const label = (connection: number, sql: string, ...params: string[]) =>
    transactions.label({ connection, sql, params, client: "a" });
  const update = `update "effects" set "status" = $1`;
  label(1, "begin");
  label(2, "begin");
  expect(label(1, update, "sent")).toBe("effects -> sent");
  label(2, "select 1");
  expect(label(2, "commit")).toBeUndefined();
  expect(label(1, `insert into "audit_entries" ("action") values ($1)`, "effect.sent")).toBe(
    "audit effect.sent",
  );
  expect(label(1, "commit")).toBe("commit (effects -> sent; audit effect.sent)");
  label(1, "begin");
  label(1, update, "confirmed");
  label(1, "rollback");
  expect(label(1, "commit")).toBeUndefined();
  expect(label(1, update, "failed")).toBe("effects -> failed");
});
