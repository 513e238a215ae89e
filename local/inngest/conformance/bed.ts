import { randomUUID } from "node:crypto";
import { vi } from "vitest";
import { startTestBed, type TestBed } from "../test-app.ts";

/** Another server to run the suite against; without it every file starts the local engine. */
const SERVER = process.env.INNGEST_SERVER_URL;
/** Another server decides by itself how long it waits between attempts. */
const PATIENCE_MS = 300_000;

// Here, because a test's time is settled when it is defined.
if (SERVER) vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS });

/** A server and an SDK app of its own for one file of the conformance suite. */
export async function startBed(): Promise<TestBed> {
  return startTestBed({ serverUrl: SERVER }, { id: `conformance-${randomUUID()}` });
}
