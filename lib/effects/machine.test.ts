import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterNotFound,
  type EffectState,
  FOLLOWS,
  nextMove,
  before as statesBefore,
} from "./machine.ts";

const STATES = Object.keys(FOLLOWS) as EffectState[];

describe("the states", () => {
  test("what is confirmed stays so", () => {
    expect(FOLLOWS.confirmed).toEqual([]);
  });

  test("only what was sent can have been done, so only from there can it be confirmed or unknown", () => {
    expect(statesBefore("confirmed").sort()).toEqual(["sent", "unknown"]);
    expect(statesBefore("unknown")).toEqual(["sent"]);
    expect(statesBefore("sent").sort()).toEqual(["claimed", "sent"]);
  });

  test.each(STATES)(
    "whoever comes to an effect that is %s while another works on it waits or stops",
    (state) => {
      const move = nextMove(state, 1);
      if (state === "claimed" || state === "sent") expect(move).toEqual({ do: "wait", ms: 1 });
      else expect(["nothing", "claim", "ask", "stop"]).toContain(move.do);
    },
  );
});

// The protocol of claim.ts and perform.ts over one row and one outside world, cut at every point where the process can
// die or another can come between: after each transaction and around the call. Time is a number that only moves on.
const TIMEOUT = 10;
const LEASE = 20;
const SETTLE = 15;

interface World {
  now: number;
  row: { state: EffectState; token: number; leaseEnds: number; sentAt: number };
  /** When each object that was made can be seen by a read. */
  objects: { visibleAt: number }[];
  /** Calls that are under way in the network; the provider does them at this time, whoever still waits. */
  inFlight: { at: number; visibleAfter: number }[];
  reads: "consistent" | { settleMs: number };
}

type Worker = Generator<void, void, void>;

function enter(world: World, to: EffectState): void {
  if (!FOLLOWS[world.row.state].includes(to)) {
    throw new Error(`${world.row.state} -> ${to} is no transition`);
  }
  world.row.state = to;
}

function* worker(
  world: World,
  token: number,
  network: () => { takes: number; lag: number },
): Worker {
  const { row } = world;
  const held = () => row.token === token && row.leaseEnds > world.now;
  // Claim: one transaction.
  const move = nextMove(row.state, row.leaseEnds - world.now);
  if (move.do !== "claim" && move.do !== "find") return;
  if (move.do === "claim") enter(world, "claimed");
  row.token = token;
  row.leaseEnds = world.now + LEASE;
  yield;
  if (move.do === "find") {
    const seen = world.objects.some(({ visibleAt }) => visibleAt <= world.now);
    yield;
    if (seen) {
      if (held() && row.state === "sent") enter(world, "confirmed");
      return;
    }
    const next = afterNotFound(world.reads, world.now - row.sentAt);
    if (next.do === "wait") return;
    if (next.do === "give_up") {
      if (held() && row.state === "sent") enter(world, "unknown");
      return;
    }
  }
  // Send: the time for the call runs from before the writing.
  const deadline = world.now + TIMEOUT;
  if (!held() || (row.state !== "claimed" && row.state !== "sent")) return;
  enter(world, "sent");
  row.sentAt = world.now;
  row.leaseEnds = world.now + LEASE;
  yield;
  if (world.now >= deadline) return;
  const { takes, lag } = network();
  // The assumption: a call is done at the latest when its lease is over, or never.
  world.inFlight.push({ at: Math.min(world.now + takes, deadline), visibleAfter: lag });
  yield;
  if (world.now < world.inFlight.reduce((last, { at }) => Math.max(last, at), 0)) yield;
  const done = world.objects.length > 0;
  if (done && held() && row.state === "sent") enter(world, "confirmed");
}

function advance(world: World, by: number): void {
  world.now += by;
  for (const call of world.inFlight.splice(0)) {
    if (call.at <= world.now) world.objects.push({ visibleAt: call.at + call.visibleAfter });
    else world.inFlight.push(call);
  }
}

const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("step" as const), who: fc.nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("time" as const), by: fc.integer({ min: 1, max: 25 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), who: fc.nat(1) }) },
);
const call = fc.record({ takes: fc.nat(30), lag: fc.nat(SETTLE - 1) });

/** Two workers, each started again whenever it has ended or died, in the order that the actions say. */
function play(
  reads: World["reads"],
  actions: readonly { do: string; who?: number; by?: number }[],
  calls: readonly { takes: number; lag: number }[],
): World {
  const row = { state: "approved" as EffectState, token: 0, leaseEnds: 0, sentAt: 0 };
  const world: World = { now: 0, row, objects: [], inFlight: [], reads };
  let token = 0;
  let nth = 0;
  const network = () => {
    const { takes, lag } = calls[nth++ % calls.length] ?? { takes: 1, lag: 0 };
    return { takes, lag: reads === "consistent" ? 0 : lag };
  };
  const workers: (Worker | undefined)[] = [];
  for (const { do: what, who = 0, by = 0 } of actions) {
    if (what === "time") advance(world, by);
    else if (what === "crash") workers[who] = undefined;
    else {
      const running = workers[who] ?? worker(world, ++token, network);
      workers[who] = running.next().done ? undefined : running;
    }
  }
  return world;
}

/** Both die; then one comes back as often as it takes. */
function settle(world: World): void {
  for (let turn = 0; turn < 20 && !["confirmed", "unknown"].includes(world.row.state); turn++) {
    advance(world, LEASE + SETTLE);
    for (const _ of worker(world, 1_000_000 + turn, () => ({ takes: 1, lag: 0 })))
      advance(world, 1);
  }
}

describe("two workers, crashes, duplicates and slow networks in any order", () => {
  const story = [
    fc.array(action, { maxLength: 60 }),
    fc.array(call, { minLength: 1, maxLength: 5 }),
  ] as const;

  test("with consistent reads it is done exactly once, and confirmed", () => {
    fc.assert(
      fc.property(...story, (actions, calls) => {
        const world = play("consistent", actions, calls);
        settle(world);
        advance(world, 100);
        expect(world.row.state).toBe("confirmed");
        expect(world.objects).toHaveLength(1);
      }),
      { numRuns: 3000 },
    );
  });

  test("with late reads it is never done twice; what cannot be told is left to a person", () => {
    fc.assert(
      fc.property(...story, (actions, calls) => {
        const world = play({ settleMs: SETTLE }, actions, calls);
        settle(world);
        advance(world, 100);
        expect(["confirmed", "unknown"]).toContain(world.row.state);
        expect(world.objects.length).toBeLessThanOrEqual(1);
        if (world.row.state === "confirmed") expect(world.objects).toHaveLength(1);
      }),
      { numRuns: 3000 },
    );
  });
});
