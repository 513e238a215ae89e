import type { HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import * as z from "zod";
import { type ApiContext, bodyOf, Refused } from "../faulty-api.ts";
import { Redis, RedisError } from "./redis.ts";
import type { AccountStore, DatabaseRow } from "./store.ts";

const MAX_COMMANDS = 1000;
const command = z.array(z.union([z.string(), z.number()])).min(1);

/** Where the REST APIs of the databases are, each below its id and open to its own tokens alone. */
export const REDIS = "/redis";

/** The REST API of Redis databases: a command as a JSON array, as a path, or many in a pipeline. */
export function redisRoutes(app: Hono<{ Bindings: HttpBindings }>, store: AccountStore): void {
  const opened = (c: ApiContext): { redis: Redis; readOnly: boolean } => {
    const row = store.databases("all").find(({ id }) => id === c.req.param("id"));
    const said = c.req.header("authorization")?.replace(/^Bearer /, "");
    // The same whether it is not there or the token is another's.
    if (!row || !opens(row, said))
      throw new Refused(401, "WRONGPASS invalid or missing auth token");
    return { redis: new Redis(store, row.id), readOnly: said === row.read_only_token };
  };
  const run = (c: ApiContext, one: readonly (string | number)[]): Response => {
    const { redis, readOnly } = opened(c);
    const answer = answerOf(redis, one, readOnly);
    return Response.json(answer, { status: "error" in answer ? 400 : 200 });
  };

  app.post(`${REDIS}/:id`, async (c) => {
    opened(c);
    return run(c, await bodyOf(c, command));
  });
  app.post(`${REDIS}/:id/pipeline`, async (c) => {
    const { redis, readOnly } = opened(c);
    const all = await bodyOf(c, z.array(command).max(MAX_COMMANDS));
    return c.json(all.map((one) => answerOf(redis, one, readOnly)));
  });
  app.get(`${REDIS}/:id/:command{.+}`, (c) => run(c, c.req.param("command").split("/")));
}

function answerOf(
  redis: Redis,
  one: readonly (string | number)[],
  readOnly: boolean,
): { result: unknown } | { error: string } {
  try {
    return { result: redis.run(one, readOnly) };
  } catch (error) {
    if (error instanceof RedisError) return { error: error.message };
    throw error;
  }
}

function opens(row: DatabaseRow, said: string | undefined): boolean {
  return said === row.token || said === row.read_only_token;
}
