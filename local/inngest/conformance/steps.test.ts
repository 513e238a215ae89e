import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestBed, until } from "../test-app.ts";
import { startBed } from "./bed.ts";

let bed: TestBed;

beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.close());

for (const checkpointing of [true, false]) {
  describe(`checkpointing ${checkpointing ? "on" : "off"}`, () => {
    const suffix = checkpointing ? "on" : "off";

    test.concurrent("each of several steps runs once and its result is kept", async () => {
      const ran: string[] = [];
      const fn = bed.client.createFunction(
        { id: `sequence-${suffix}`, checkpointing, triggers: { event: `sequence.${suffix}` } },
        async ({ step }) => {
          const results: number[] = [];
          for (let i = 0; i < 3; i++) {
            // The same id three times: the SDK numbers them.
            results.push(await step.run("again", () => ran.push("again")));
          }
          await step.sendEvent("tell", { name: "nobody.listens", data: { results } });
          return results;
        },
      );
      await bed.serve(fn);
      const run = await bed.ended(await bed.send(`sequence.${suffix}`));
      expect(run).toMatchObject({ status: "Completed", output: [1, 2, 3] });
      expect(ran).toHaveLength(3);
    });

    test.concurrent("parallel steps, sleeps and chains come together", async () => {
      const ran: string[] = [];
      const note = (name: string) => () => {
        ran.push(name);
        return name;
      };
      const fn = bed.client.createFunction(
        { id: `parallel-${suffix}`, checkpointing, triggers: { event: `parallel.${suffix}` } },
        async ({ step }) => {
          await step.run("before", note("before"));
          const both = await Promise.all([
            step.run("a", note("a")).then(() => step.run("a2", note("a2"))),
            step.run("b", note("b")),
            step.sleep("nap", "1s"),
            step.run("c", note("c")),
          ]);
          await step.run("after", note("after"));
          return both;
        },
      );
      await bed.serve(fn);
      const started = Date.now();
      const run = await bed.ended(await bed.send(`parallel.${suffix}`));
      expect(run).toMatchObject({ status: "Completed", output: ["a2", "b", null, "c"] });
      expect([...ran].sort()).toEqual(["a", "a2", "after", "b", "before", "c"]);
      expect(ran.at(-1)).toBe("after");
      expect(Date.now() - started).toBeGreaterThanOrEqual(1000);
    });

    test.concurrent("a failing step among parallel ones is retried alone", async () => {
      const ran = new Map<string, number>();
      const count = (name: string) => {
        ran.set(name, (ran.get(name) ?? 0) + 1);
        return ran.get(name) ?? 0;
      };
      const fn = bed.client.createFunction(
        { id: `flaky-${suffix}`, checkpointing, triggers: { event: `flaky.${suffix}` } },
        async ({ step }) =>
          Promise.all([
            step.run("good", () => count("good")),
            step.run("flaky", () => {
              if (count("flaky") < 3) throw new Error("not yet");
              return "at last";
            }),
          ]),
      );
      await bed.serve(fn);
      const run = await bed.ended(await bed.send(`flaky.${suffix}`));
      expect(run).toMatchObject({ status: "Completed", output: [1, "at last"] });
      expect(ran).toEqual(
        new Map([
          ["good", 1],
          ["flaky", 3],
        ]),
      );
    });

    test.concurrent("sleepUntil a date", async () => {
      const fn = bed.client.createFunction(
        { id: `until-${suffix}`, checkpointing, triggers: { event: `until.${suffix}` } },
        async ({ step, event }) => {
          await step.sleepUntil("date", String(event.data.at));
          await step.sleepUntil("past", "2020-01-01T00:00:00Z");
          return step.run("now", () => Date.now());
        },
      );
      await bed.serve(fn);
      const at = Date.now() + 700;
      const run = await bed.ended(
        await bed.send(`until.${suffix}`, { at: new Date(at).toISOString() }),
      );
      expect(run.status).toBe("Completed");
      expect(run.output).toBeGreaterThanOrEqual(at);
    });
  });
}

/** A function whose race is won by a step, while its other arm waits for `<id>.slow`. */
const racers = {
  race: () => {
    const order: string[] = [];
    const fn = bed.client.createFunction(
      { id: "race", triggers: { event: "race" } },
      async ({ step, group }) => {
        const winner = await group.parallel({ mode: "race" }, () =>
          Promise.race([
            step.run("fast", () => "fast"),
            step.waitForEvent("slow", { event: "race.slow", timeout: "1h" }),
          ]),
        );
        await step.run("after", () => order.push("after"));
        return winner;
      },
    );
    return { fn, order };
  },
  "version-1": () => {
    const order: string[] = [];
    const fn = bed.client.createFunction(
      { id: "version-1", optimizeParallelism: false, triggers: { event: "version-1" } },
      async ({ step }) => {
        const winner = await Promise.race([
          step.run("fast", () => "fast"),
          step.waitForEvent("slow", { event: "version-1.slow", timeout: "1h" }),
        ]);
        await step.run("after", () => order.push("after"));
        return winner;
      },
    );
    return { fn, order };
  },
};

test.concurrent.each(["race", "version-1"] as const)(
  "with %s the run goes on after the first of several steps",
  async (id) => {
    const { fn, order } = racers[id]();
    await bed.serve(fn);
    const event = await bed.send(id);
    await until(() => order.includes("after"));
    // The SDK ends a run only when each step that it started has a result.
    await bed.send(`${id}.slow`);
    expect(await bed.ended(event)).toMatchObject({ status: "Completed", output: "fast" });
    expect(order).toEqual(["after"]);
  },
);

test.concurrent("state above 4 MB is fetched by the app", async () => {
  const big = "x".repeat(3 * 1024 * 1024);
  const fn = bed.client.createFunction(
    { id: "big", checkpointing: false, triggers: { event: "big" } },
    async ({ step, events }) => {
      const one = await step.run("one", () => big);
      const two = await step.run("two", () => big);
      return step.run("sum", () => one.length + two.length + events.length);
    },
  );
  await bed.serve(fn);
  expect(await bed.ended(await bed.send("big"))).toMatchObject({
    status: "Completed",
    output: 2 * big.length + 1,
  });
});

test.concurrent("step.sendEvent triggers other functions, wildcards and conditions included", async () => {
  const seen: string[] = [];
  const sender = bed.client.createFunction(
    { id: "sender", triggers: { event: "sender" } },
    async ({ step }) => {
      await step.sendEvent("send", [
        { name: "fan/one", data: { n: 1 } },
        { name: "fan/two", data: { n: 2 } },
      ]);
    },
  );
  const all = bed.client.createFunction(
    { id: "fan-all", triggers: { event: "fan/*" } },
    async ({ event }) => seen.push(`all ${event.name}`),
  );
  const some = bed.client.createFunction(
    {
      id: "fan-some",
      triggers: [
        { event: "fan/one", if: "event.data.n > 1" },
        { event: "fan/two", if: "event.data.n > 1" },
      ],
    },
    async ({ event }) => seen.push(`some ${event.name}`),
  );
  await bed.serve(sender, all, some);
  await bed.send("sender");
  await until(() => seen.length >= 3);
  expect(seen.sort()).toEqual(["all fan/one", "all fan/two", "some fan/two"]);
});
