import { realtime } from "inngest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { TestBed } from "../test-app.ts";
import { startBed } from "./bed.ts";

const channel = realtime.channel({
  name: "orders",
  topics: { status: { schema: z.object({ n: z.number() }) }, log: { schema: z.string() } },
});

let bed: TestBed;

beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.close());

async function post(path: string, body: string, headers: Record<string, string> = {}) {
  return await fetch(`${bed.engine.url}/v1/realtime/${path}`, { method: "POST", body, headers });
}

test.concurrent("a function publishes, in a step and outside of one, and goes on", async () => {
  const fn = bed.client.createFunction(
    { id: "publishing", triggers: { event: "publishing" }, retries: 0 },
    async ({ step }) => {
      const object = await step.realtime.publish("object", channel.status, { n: 1 });
      const text = await step.realtime.publish("text", channel.log, "no { JSON");
      await step.run("outside", () => bed.client.realtime.publish(channel.log, "outside"));
      const wrong = await step.realtime
        .publish("wrong", channel.status, { n: "one" } as never)
        .catch(String);
      return { object, text, wrong };
    },
  );
  await bed.serve(fn);
  expect(await bed.ended(await bed.send("publishing"))).toMatchObject({
    status: "Completed",
    output: {
      object: { n: 1 },
      text: "no { JSON",
      wrong: expect.stringContaining("Schema validation failed"),
    },
  });
});

test.concurrent("a message and a run's output are streamed", async () => {
  // biome-ignore lint/complexity/useLiteralKeys: it is private, and only the SDK itself says how it streams
  const api = bed.client["inngestApi"];
  const stream = () => new Blob(["one, ", "two"]).stream();
  expect(await api.publish({ channel: "orders", topics: ["log"] }, stream())).toMatchObject({
    ok: true,
  });
  await api.checkpointStream({ runId: "01JANYRUN", body: stream() });
});

test.concurrent("a stream needs its channel, and has an end", async () => {
  expect((await post("publish/tee", "bytes")).status).toBe(400);
  const tooLong = await post("publish/tee?channel=a", "x".repeat(1000 * 1024 + 1));
  expect(tooLong.status).toBeGreaterThanOrEqual(400);
});

test.concurrent("a token to subscribe lives a short while, and does not publish", async () => {
  const { key } = await bed.client.realtime.token({ channel, topics: ["status"] });
  const claims = JSON.parse(Buffer.from(key?.split(".")[1] ?? "", "base64url").toString());
  expect(claims).toMatchObject({ topics: [{ kind: "run", channel: "orders", name: "status" }] });
  expect(claims.exp * 1000 - Date.now()).toBeGreaterThan(0);
  expect(claims.exp - claims.iat).toBeLessThanOrEqual(60 * 60);
  const authorization = `Bearer ${key}`;
  const path = "publish?channel=orders&topic=status";
  expect((await post(path, "{}", { authorization })).status).toBe(401);
  expect((await post(path, "{}")).status).toBe(200);
});

test.concurrent.each(["{}", '"orders"', "no JSON"])("no token is made of %s", async (body) => {
  expect((await post("token", body)).status).toBe(400);
});
