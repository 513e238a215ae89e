import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { setEnv } from "../test/support/environment.ts";
import { settings } from "./settings.ts";

const { INNGEST_DEV, INNGEST_EVENT_KEY } = process.env;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-settings-"));
});
afterAll(async () => {
  await setEnv({ INNGEST_DEV, INNGEST_EVENT_KEY });
  await rm(dir, { recursive: true, force: true });
});

const KEPT = "http://127.0.0.1:1234";
const cloud = { inngest: undefined, eventKey: "key" };
const local = (inngest: string) => ({ inngest, eventKey: undefined });

test.each([
  ["0", "key", cloud],
  ["false", "key", cloud],
  ["", "key", cloud],
  ["0", "", local(KEPT)],
  ["1", "key", local("http://127.0.0.1:8288")],
  ["TRUE", "key", local("http://127.0.0.1:8288")],
  ["http://127.0.0.1:9", "key", local("http://127.0.0.1:9")],
])("INNGEST_DEV=%j with the key %j: where send sends to", async (dev, key, expected) => {
  const config = join(dir, "cli.json");
  await writeFile(config, JSON.stringify({ inngest: KEPT }));
  await setEnv({ INNGEST_DEV: dev, INNGEST_EVENT_KEY: key });
  expect(settings({ config })).toMatchObject(expected);
});
