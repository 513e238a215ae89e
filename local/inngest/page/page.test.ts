import { afterAll, beforeAll, expect, test } from "vitest";
import { get, startTestBed, type TestBed, until } from "../test-app.ts";
import { html, json } from "./html.ts";

const HOSTILE = `<script>alert("x")</script>&'`;

let bed: TestBed;
let runId: string;
let eventId: string;

beforeAll(async () => {
  bed = await startTestBed();
  const fn = bed.client.createFunction(
    { id: "shown", triggers: { event: "shown" }, retries: 0 },
    async ({ event, step }) => {
      await step.run(`step ${HOSTILE}`, () => HOSTILE);
      await step.waitForEvent("the wait", { event: "shown.go", timeout: "1h" });
      throw new Error(`failed ${JSON.stringify(event.data)}`);
    },
  );
  await bed.serve(fn);
  eventId = await bed.send("shown", { text: HOSTILE });
  await bed.waiting("wait", eventId);
  runId = (await bed.runs(eventId))[0]?.run_id ?? "";
});
afterAll(() => bed.close());

async function show(path: string): Promise<string> {
  const response = await fetch(bed.engine.url + path);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain("text/html");
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  const text = await response.text();
  // Whatever apps and senders put in: it is text on the page.
  expect(text).not.toContain("<script");
  return text;
}

const press = (path: string, origin?: string) =>
  fetch(bed.engine.url + path, {
    method: "POST",
    redirect: "manual",
    headers: origin === undefined ? {} : { origin },
  });

test("the front page has apps, functions, runs and events", async () => {
  const text = await show("/");
  for (const part of [bed.appUrl, "app-shown", runId, eventId, "Running"]) {
    expect(text).toContain(part);
  }
  const dev = await get<{ functions: { id: string }[] }>(bed.engine, "/dev");
  expect(dev.functions.map((listed) => listed.id)).toContain("app-shown");
  await show("/?before=01");
});

test("a run has its steps, waits, attempts and events; lists lead to it", async () => {
  const text = await show(`/runs/${runId}`);
  for (const part of [
    "step &lt;script&gt;",
    "the wait",
    "shown.go",
    "timeout",
    "Run again",
    "Cancel",
  ]) {
    expect(text).toContain(part);
  }
  expect(await show(`/events/${eventId}`)).toContain(runId);
  expect(await show("/functions/app-shown")).toContain(runId);
  for (const path of ["/runs/none", "/events/none", "/functions/none"]) {
    expect((await fetch(bed.engine.url + path)).status).toBe(404);
  }
});

test("the buttons work from the page itself and from nowhere else", async () => {
  for (const origin of [undefined, "null", "https://example.com", "http://localhost:3000"]) {
    for (const action of ["cancel", "rerun"]) {
      expect((await press(`/runs/${runId}/${action}`, origin)).status).toBe(403);
    }
  }
  expect(await bed.runs(eventId)).toMatchObject([{ status: "Running" }]);

  const again = await press(`/runs/${runId}/rerun`, bed.engine.url);
  expect(again.status).toBe(303);
  const runs = await bed.runs(eventId);
  expect(runs).toHaveLength(2);
  expect(again.headers.get("location")).toBe(`/runs/${runs[1]?.run_id}`);

  const cancelled = await press(`/runs/${runId}/cancel`, bed.engine.url);
  expect(cancelled.status).toBe(303);
  expect(await show(cancelled.headers.get("location") ?? "")).toContain("Cancelled");

  await until(async () => {
    await bed.send("shown.go");
    return (await bed.runs(eventId))[1]?.status === "Failed";
  });
  const text = await show(`/runs/${runs[1]?.run_id}`);
  expect(text).toContain("Error");
  expect(text).toContain("failed {");
});

test("a template escapes every value but markup", () => {
  expect(html`<a href="${HOSTILE}">${html`<b>${1}</b>`}${[html`<i>`]}${null}</a>`.markup).toBe(
    '<a href="&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;"><b>1</b><i></a>',
  );
  expect(json("x".repeat(10_000)).markup.length).toBeLessThan(5000);
});
