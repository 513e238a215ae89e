import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Redis, RedisError } from "./redis.ts";
import { AccountStore } from "./store.ts";

let dir: string;
let store: AccountStore;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-redis-"));
  store = new AccountStore(dir);
});
afterAll(async () => {
  store.close();
  await rm(dir, { recursive: true, force: true });
});

function database(id: string): Redis {
  const row = { id, name: "n", region: "us-east-1", token: "t", read_only_token: "r" };
  store.addDatabase({ ...row, created_at: 0 }, 0);
  return new Redis(store, id);
}

const key = fc.constantFrom("a", "b", "__proto__", "");
const value = fc.oneof(fc.string({ maxLength: 20 }), fc.integer().map(String));
const command = fc.oneof(
  fc.tuple(fc.constant("SET"), key, value),
  fc.tuple(fc.constant("SET"), key, value, fc.constantFrom("NX", "XX", "nx")),
  fc.tuple(fc.constantFrom("GET", "get", "DEL", "EXISTS", "INCR", "DECR", "TTL"), key),
  fc.tuple(fc.constant("INCRBY"), key, value),
);

/** What Redis would say, of keys that never expire. */
function expected(model: Map<string, string>, [name = "", at = "", text = "", option]: string[]) {
  const added = (by: number) => {
    const sum = Number(model.get(at) ?? 0) + by;
    model.set(at, String(sum));
    return sum;
  };
  switch (name.toUpperCase()) {
    case "GET":
      return model.get(at) ?? null;
    case "EXISTS":
      return model.has(at) ? 1 : 0;
    case "TTL":
      return model.has(at) ? -1 : -2;
    case "DEL":
      return model.delete(at) ? 1 : 0;
    case "SET":
      if (option?.toUpperCase() === (model.has(at) ? "NX" : "XX")) return null;
      model.set(at, text);
      return "OK";
    case "INCRBY":
      return added(Number(text));
    default:
      return added(name === "INCR" ? 1 : -1);
  }
}

test("whatever is done, two databases are each what Redis would be", () => {
  let n = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), command), { maxLength: 30 }), (commands) => {
      n++;
      const places = [`one-${n}`, `two-${n}`].map((id) => ({
        redis: database(id),
        model: new Map<string, string>(),
      }));
      for (const [first, asked] of commands) {
        const place = places[first ? 0 : 1];
        let said: unknown;
        try {
          said = place?.redis.run(asked, false);
        } catch (error) {
          // Only what is no integer is refused, and nothing is changed by it.
          expect(error).toBeInstanceOf(RedisError);
          expect(asked[0]).toMatch(/INCR|DECR/);
          const operands = [place?.model.get(asked[1]) ?? "0", asked[2] ?? "0"];
          expect(operands.every((text) => /^-?\d+$/.test(text))).toBe(false);
          continue;
        }
        expect(said).toEqual(expected(place?.model ?? new Map(), asked));
      }
    }),
    { numRuns: 60 },
  );
});

test("unknown commands, wrong numbers of arguments and writes with the read-only token are refused", () => {
  const redis = database("refusals");
  for (const asked of [
    ["LPUSH", "l", "1"],
    ["GET"],
    ["SET", "a"],
    ["SET", "a", "b", "EX"],
    ["toString"],
  ]) {
    expect(() => redis.run(asked, false)).toThrow(RedisError);
  }
  for (const seconds of ["0", "-1", "x", "1.5"]) {
    expect(() => redis.run(["SET", "a", "b", "EX", seconds], false)).toThrow(RedisError);
  }
  expect(() => redis.run(["SET", "a", "b"], true)).toThrow("NOPERM");
  expect(redis.run(["GET", "a"], true)).toBeNull();
  expect(redis.run(["PING"], true)).toBe("PONG");
});
