import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HostileFile, hostileFiles } from "#lib/ingest/extract/fixtures.ts";
import type { ApiFile, Client } from "#local/client.ts";
import { makeProject, type TestCloud, testCloud } from "./support/cloud.ts";

const GOOD = new URL("../samples/operations-manual.pdf", import.meta.url);
const GB = 1024 ** 3;

let dir: string;
let server: Server;
let world: TestCloud;
let client: Client;
let hostile: readonly HostileFile[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-hostile-"));
  hostile = await hostileFiles(dir);
  server = createServer((request, response) => {
    const file = hostile.find(({ name }) => request.url === `/${name}`);
    createReadStream(file?.path ?? GOOD).pipe(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  world = await testCloud();
  client = await world.client();
  await makeProject(client, "hostile");
}, 90_000);
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await world?.close();
  await rm(dir, { recursive: true, force: true });
});

test("every hostile file is refused with its own reason, a good one beside them is ingested, the process lives", async () => {
  const app = world.cloud.parts.app.child.pid;
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const names = [...hostile.map(({ name }) => name), "good.pdf"];
  const sent = await client.send(
    ...names.map((name) => ({
      name: "file.uploaded",
      data: { projectId: "hostile", name, url: `${base}/${name}` },
    })),
  );
  const statuses = await client.runs(sent, 120);
  expect(new Set(statuses)).toEqual(new Set(["Completed"]));

  const files = new Map((await client.files("hostile")).map((file) => [file.name, file]));
  const found = names.map((name) => verdict(name, files.get(name)));
  expect(found).toEqual([
    ...hostile.map(({ name, code }) => ({ name, verdict: code, saysWhatToDo: true })),
    { name: "good.pdf", verdict: "ingested", saysWhatToDo: false },
  ]);
  expect(world.cloud.parts.app.child.pid).toBe(app);
  expect(world.cloud.parts.app.child.exitCode).toBeNull();
  expect(await peakRss(app)).toBeLessThan(GB);
}, 150_000);

function verdict(name: string, file: ApiFile | undefined) {
  const saysWhatToDo = (file?.rejectReason?.length ?? 0) > 20;
  return { name, verdict: file?.rejectCode ?? file?.status, saysWhatToDo };
}

/** The most memory that a process has held, in bytes, as the kernel counts it. */
async function peakRss(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
