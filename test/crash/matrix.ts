import type { Boundary } from "./boundaries.ts";
import type { Action, Cell, Outcome } from "./cell.ts";
import type { Kind } from "./kinds.ts";
import type { TargetFault } from "./targets/target.ts";

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
  // Done, unheard, and then not seen when it is looked for: only where reads may miss it.
  const { unseenMs } = kind;
  return unseenMs === null ? faults : [...faults, { fault: "delayed-reads", ms: unseenMs }];
}

/** A calm run of the kind, and one with each fault of its target: they tell which boundaries there are. */
export function scouts(kind: Kind): Cell[] {
  return [{ kind }, { kind }, ...faultsFor(kind).map((fault) => ({ kind, fault }))];
}

/**
 * All cells of a kind, from what its {@link scouts} crossed. Every boundary of a calm run that is the kind's, before and after:
 * the app killed, and the app held while another one does its work. Every boundary from the call on of a run whose target
 * fails: the app killed. And the call itself delayed past the app's patience.
 */
export function cells(kind: Kind, scouted: readonly Outcome[]): Cell[] {
  const [calm, again, ...faulty] = scouted;
  if (!calm || !again) throw new Error(`${kind.kind} was not scouted`);
  // What only one of two calm runs did, or both and few others, belongs to a clock (a sweeper) and not to the run.
  const didToo = ({ label, nth }: Boundary, run: Outcome) =>
    run.crossed.some((other) => other.label === label && other.nth === nth);
  const both = calm.crossed
    .filter((boundary) => didToo(boundary, again))
    .filter((one) => scouted.filter((run) => didToo(one, run)).length > scouted.length / 2);
  const { call } = kind;
  return [
    ...both
      .slice(kind.from && placeOf(kind.from, both), kind.to && placeOf(kind.to, both))
      .filter(({ label }) => !kind.only || kind.only.test(label))
      .flatMap((boundary) => [...at(kind, boundary, "kill"), ...holds(kind, boundary)]),
    { kind, at: { label: call, nth: 1, when: "before" }, action: "delay" },
    { kind, at: { label: call, nth: 1, when: "after" }, action: "delay" },
    ...faulty.flatMap(({ cell, crossed }) =>
      crossed
        .slice(placeOf({ label: call, nth: 1 }, crossed), confirmedAt(call, crossed) + 1)
        .filter(({ label }) => label === call || HURTS.test(label))
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
const HURTS = /^(call: find|commit \(effects )/;

/** Where what a call brought about was confirmed; Infinity when it was not. */
function confirmedAt(call: string, crossed: readonly Boundary[]): number {
  const last = crossed.findLastIndex(({ label }) => label === call);
  const place = crossed.findIndex(({ label }, at) => at > last && CONFIRMED.test(label));
  return place === -1 ? Number.POSITIVE_INFINITY : place;
}
const CONFIRMED = /^commit \(effects -> confirmed/;

/** Where a boundary was crossed. Throws Error when it was not: then the kind is said wrongly. */
function placeOf({ label, nth }: Pick<Boundary, "label" | "nth">, crossed: readonly Boundary[]) {
  const place = crossed.findIndex((one) => one.label === label && one.nth === nth);
  if (place === -1) throw new Error(`"${label}" #${nth} was not crossed`);
  return place;
}

function at(kind: Kind, boundary: Boundary, action: Action, fault?: TargetFault): Cell[] {
  const { label, nth, moments } = boundary;
  return moments.map((when) => ({ kind, action, fault, at: { label, nth, when } }));
}
