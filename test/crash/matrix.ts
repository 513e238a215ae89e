import type { Boundary } from "./boundaries.ts";
import type { Action, Cell, Outcome, TargetFault } from "./cell.ts";
import type { Kind } from "./kinds.ts";

/** Every way in which the target can be told to fail that the kind has to bear. */
export function faultsFor(kind: Kind): TargetFault[] {
  const faults: TargetFault[] = [
    { fault: "before" },
    { fault: "after" },
    { fault: "error500", times: 2, on: "any" },
    { fault: "hang" },
    { fault: "hang-after" },
    { fault: "close" },
    { fault: "close-after" },
    { fault: "rate" },
  ];
  // Done, unheard, and then not seen when it is looked for: only where the kind says that reads may miss it.
  const unseen: TargetFault[] = [{ fault: "delayed-reads", ms: 3000 }];
  return kind.consistent ? faults : [...faults, ...unseen];
}

const CLAIM = "effects -> claimed";

/** The call that brings the effect about; what comes after it is where a fault of the target can hurt. */
const CALL = "call: create";

/** A calm run of the kind, and one with each fault of its target: they tell which boundaries there are. */
export function scouts(kind: Kind): Cell[] {
  return [{ kind }, { kind }, ...faultsFor(kind).map((fault) => ({ kind, fault }))];
}

/**
 * All cells of a kind, from what its {@link scouts} crossed. Every boundary of a calm run, before and after: the app killed,
 * and the app held while another one does its work. Every boundary from the call on of a run whose target fails: the app
 * killed. And the call itself delayed past the app's patience.
 * @param all false leaves out the boundaries before the claim, where no kind differs from another.
 */
export function cells(kind: Kind, scouted: readonly Outcome[], all: boolean): Cell[] {
  const [calm, again, ...faulty] = scouted;
  if (!calm || !again) throw new Error(`${kind.kind} was not scouted`);
  // What only one of two calm runs did belongs to a clock (a sweeper) and not to the run.
  const both = calm.crossed.filter(({ label, nth }) =>
    again.crossed.some((other) => other.label === label && other.nth === nth),
  );
  const claim = both.findIndex(({ label }) => label.startsWith(CLAIM));
  return [
    ...both
      .slice(all ? 0 : claim)
      .flatMap((boundary) => [...at(kind, boundary, "kill"), ...holds(kind, boundary)]),
    { kind, at: { label: CALL, nth: 1, when: "before" }, action: "delay" },
    { kind, at: { label: CALL, nth: 1, when: "after" }, action: "delay" },
    ...faulty.flatMap(({ cell, crossed }) =>
      crossed
        .slice(crossed.findIndex(({ label }) => label === CALL))
        .filter(({ label }) => HURTS.test(label))
        .flatMap((boundary) => {
          // Before a commit is after what comes before it: only calls are two different moments for the target.
          const moments = boundary.moments.filter(
            (when) => when === "before" || boundary.label.startsWith("call"),
          );
          return at(kind, { ...boundary, moments }, "kill", cell.fault);
        }),
    ),
  ];
}

/**
 * Where an app is held. Inside a transaction only before each statement: after one it holds the same locks as before the
 * next. Not at Inngest's own doors, where nothing of ours is pending.
 */
function holds(kind: Kind, boundary: Boundary): Cell[] {
  if (/^(reply|checkpoint)/.test(boundary.label)) return [];
  const moments = LASTING.test(boundary.label) ? boundary.moments : (["before"] as const);
  return at(kind, { ...boundary, moments }, "hold");
}
const LASTING = /^(commit|call|emit)/;

/** Calls of the target, and what makes their outcome last. */
const HURTS = /^(call: (create|find)|commit \(effects )/;

function at(kind: Kind, boundary: Boundary, action: Action, fault?: TargetFault): Cell[] {
  const { label, nth, moments } = boundary;
  return moments.map((when) => ({ kind, action, fault, at: { label, nth, when } }));
}
