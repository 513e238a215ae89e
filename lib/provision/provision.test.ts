import fc from "fast-check";
import { expect, test } from "vitest";
import { commentOf, sourceOf } from "./comment.ts";
import { contractText } from "./contract.ts";
import type { DecidedInfra } from "./decide.ts";
import { namesOf, withNames } from "./env-example.ts";
import { deployInput } from "./input.ts";
import { instructionsText } from "./instructions.ts";
import { missingOf } from "./missing.ts";
import { wishesFor } from "./plan.ts";

const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,20}$/);
const token = fc.stringMatching(/^[!-~]{1,30}$/);

test("a variable's comment says where its value is from, and only ours is understood", () => {
  fc.assert(
    fc.property(token, token, token, token, (marker, type, externalId, part) => {
      const source = { marker: marker.replaceAll(/[()]/g, "x"), type, externalId, part };
      expect(sourceOf(commentOf(source))).toEqual(source);
    }),
  );
  for (const other of [
    null,
    "",
    "Set by Ada",
    "Set by Countersign",
    "Set by Countersign (a) from b",
  ]) {
    expect(sourceOf(other)).toBeNull();
  }
});

test("every name gets into .env.example once, what is there stays, and a second time changes nothing", () => {
  const line = fc.oneof(
    fc.constantFrom("", "# a comment", "export A=1", "#B=", "C = x", "no assignment", "D"),
    name.map((one) => `${one}=value`),
  );
  fc.assert(
    fc.property(fc.array(line), fc.uniqueArray(name), fc.boolean(), (lines, names, ends) => {
      const text = lines.join("\n") + (ends ? "\n" : "");
      const now = withNames(text, names);
      if (now !== null) expect(now.startsWith(text)).toBe(true);
      const all = (now ?? text).split("\n").filter((one) => /^[A-Z0-9_]+=$/.test(one));
      expect(new Set(all).size).toBe(all.length);
      expect(withNames(now ?? text, names)).toBeNull();
    }),
  );
  expect(withNames("A=1\n# B=\n  export C=2\nAB=3", ["A", "B", "C", "D"])).toBe(
    "A=1\n# B=\n  export C=2\nAB=3\nD=\n",
  );
});

const deploy = deployInput.parse({
  project: "shop",
  resources: [
    { name: "db", type: "neon.project" },
    {
      name: "cache",
      type: "upstash.redis",
      mode: "assisted",
      externalId: "r-1",
      env: { urlName: "CACHE", tokenName: "CACHE_TOKEN" },
    },
    { name: "words", type: "upstash.vector", mode: "manual", region: "eu-west-1" },
  ],
  variables: ["STRIPE_KEY"],
});

test.each([
  [{ resources: [{ name: "db", type: "neon.project", mode: "assisted" }] }, /externalId/],
  [{ resources: [{ name: "db", type: "neon.project", externalId: "p" }] }, /externalId/],
  [{ resources: [{ name: "db", type: "neon.project", env: { tokenName: "X" } }] }, /not a part/],
  [{ resources: [{ name: "db", type: "mysql" }] }, /type/],
  [{ variables: ["A", "A"] }, /one source/],
  [
    { variables: ["DATABASE_URL"], resources: [{ name: "db", type: "neon.project" }] },
    /one source/,
  ],
  [{ variables: ["lower"] }, /upper-case/],
  [{ project: "Shop" }, /lower-case/],
  [{ health: { path: "//evil.example" } }, /one slash/],
  [{ health: { path: "/\\evil.example" } }, /one slash/],
  [{ health: { status: 500 } }, /status/],
  [{ rollback: "never" }, /rollback/],
])("%j is refused and says what is wrong", (more, message) => {
  expect(() => deployInput.parse({ project: "shop", ...more })).toThrow(message);
});

test("the app's variables are those of its resources and those that people set", () => {
  expect(namesOf(deploy)).toEqual([
    ...["CACHE", "CACHE_TOKEN", "DATABASE_URL", "STRIPE_KEY"],
    ...["UPSTASH_VECTOR_REST_TOKEN", "UPSTASH_VECTOR_REST_URL"],
  ]);
});

const decided: DecidedInfra = {
  project: { name: "shop", action: "create" },
  resources: [
    {
      ...{ name: "db", type: "neon.project", mode: "automated", region: "aws-us-east-1" },
      ...{ action: "create", externalId: null, ours: true },
      variables: [{ variable: "DATABASE_URL", part: "url", action: "replace" }],
    },
    {
      ...{ name: "cache", type: "upstash.redis", mode: "assisted", region: "us-east-1" },
      ...{ action: "reuse", externalId: "r-1", ours: false },
      variables: [
        { variable: "CACHE", part: "url", action: "keep" },
        { variable: "UPSTASH_REDIS_REST_TOKEN", part: "token", action: "set" },
      ],
    },
    {
      ...{ name: "words", type: "upstash.vector", mode: "manual", region: "eu-west-1" },
      ...{ action: "person", externalId: null, ours: false },
      variables: [{ variable: "UPSTASH_VECTOR_REST_URL", part: "url", action: "person" }],
    },
  ],
  variables: [{ variable: "STRIPE_KEY", there: false }],
};

test("the plan makes what is missing, sets what has to be set, and leaves the rest alone", () => {
  const run = { runId: "run_1", owner: "acme", repo: "shop" };
  const wishes = wishesFor(decided, run);
  expect(wishes.map(({ stepId, kind }) => [stepId, kind])).toEqual([
    ["infra-project", "vercel.project"],
    ["infra-make-db", "neon.project"],
    ["infra-environment", "vercel.environment"],
  ]);
  expect(wishes[2]?.params.variables).toEqual([
    {
      ...{ name: "DATABASE_URL", type: "neon.project", part: "url", resource: "db" },
      ...{ mode: "automated", replaces: true, externalId: null },
    },
    {
      ...{
        name: "UPSTASH_REDIS_REST_TOKEN",
        type: "upstash.redis",
        part: "token",
        resource: "cache",
      },
      ...{ mode: "assisted", replaces: false, externalId: "r-1" },
    },
  ]);
  const there: DecidedInfra = {
    project: { name: "shop", action: "reuse" },
    resources: [],
    variables: [],
  };
  expect(wishesFor(there, run)).toEqual([]);
});

test("what is still missing is named, and what has another value is not", () => {
  expect(missingOf(decided)).toEqual([
    ...["shop", "db", "UPSTASH_REDIS_REST_TOKEN", "words", "UPSTASH_VECTOR_REST_URL", "STRIPE_KEY"],
  ]);
});

test("the contract names every variable with its source and what is to become of it", () => {
  const text = contractText(decided);
  expect(text).toContain("`DATABASE_URL`: the url of db; to be set instead of another value");
  expect(text).toContain("`CACHE`: the url of cache; there already");
  expect(text).toContain("`STRIPE_KEY`: set by people; to be set by a person");
  expect(text).toContain("db: Neon project in aws-us-east-1; automated, to be created");
});

test("the instructions say everything that a person has to do, and the same each time", () => {
  const ids = { projectId: "proj_1", runId: "run_1" };
  const text = instructionsText(deploy, ids);
  expect(text).toBe(instructionsText(deploy, ids));
  for (const part of ["words", "eu-west-1", "UPSTASH_VECTOR_REST_URL", "STRIPE_KEY", "shop"]) {
    expect(text).toContain(part);
  }
  const [, json = ""] = /```json\n([\s\S]*?)\n```/.exec(text) ?? [];
  expect(JSON.parse(json)).toMatchObject({
    name: "infra.provisioned",
    data: { ...ids, resourceId: "words", provider: "upstash", resourceType: "vector_index" },
  });
  expect(text).not.toContain("DATABASE_URL");
});
