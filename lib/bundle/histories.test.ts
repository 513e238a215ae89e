import { expect, test } from "vitest";
import {
  approval,
  asked,
  type Circumstances,
  called,
  confirmed,
  DAY,
  decided,
  decision,
  effect,
  failures,
  granted,
  type Happened,
  instant,
  key,
  RULE,
  resolved,
  run,
  sent,
  signed,
  signedBy,
} from "../../test/support/histories.ts";
import { BUILT_IN } from "../policy/document.ts";

type History = readonly Happened[];

const anew = { approvalId: "appr_2" };
const done = [...called(20), confirmed(1, 22)];
const doneAnew = (at: number) => [
  ...[...asked(at, anew), ...granted(at + 1, anew), ...called(at + 2, anew)],
  confirmed(1, at + 4, "x1", anew),
];
const unknown = [...asked(2), ...granted(10), ...called(20), effect("unknown", 1, 22)];
const again = [...sent(31, {}, 1), confirmed(2, 33)];
const byPolicy = { by: "policy:1" };
const automatic = [
  ...[effect("planned", 0, 2), effect("approved", 0, 2)],
  approval("granted", 2, byPolicy),
];

test.each<[what: string, happened: History]>([
  ["done", [...asked(2), ...granted(10), ...done]],
  ["denied, then asked anew", [...asked(2), ...decided("denied", "ann", 5), ...doneAnew(6)]],
  [
    "granted and expired, then asked anew",
    [
      ...[...asked(2), ...granted(10), approval("expired", DAY + 1), effect("planned", 0, DAY + 1)],
      ...doneAnew(DAY + 2),
    ],
  ],
  [
    "called again before anybody knew, then found",
    [...asked(2), ...granted(10), ...called(20), effect("sent", 2, 30), confirmed(2, 31)],
  ],
  [
    "put off by the other system, then called again",
    [
      ...asked(2),
      ...granted(10),
      ...called(20),
      effect("approved", 1, 22),
      ...sent(30, {}, 1),
      confirmed(2, 32),
    ],
  ],
  ["unknown, adopted", [...unknown, ...resolved("adopt", 1, 30)]],
  ["unknown, abandoned", [...unknown, ...resolved("abandon", 1, 30)]],
  ["unknown, sent again", [...unknown, ...resolved("resend", 1, 30), ...again]],
  [
    "refused outside, planned again by a second attempt of the run",
    [
      ...[...asked(2), ...granted(10), ...called(20), effect("failed", 1, 22), run("failed", 23)],
      ...[run("resumed", 30, { attempt: 2 }), run("running", 31, { attempt: 2 })],
      ...[...asked(32, anew, 1), ...granted(33, anew, 1), ...called(34, anew, 1)],
      confirmed(2, 36, "x1", anew),
    ],
  ],
  [
    "found as what an earlier plan had sent",
    [
      ...[...asked(2), ...granted(10), ...called(20), effect("planned", 1, 22)],
      ...[...asked(32, anew, 1), ...granted(33, anew, 1), ...called(34, anew, 1)],
      confirmed(2, 36),
    ],
  ],
  [
    "refused a call and a word, and nothing came of it",
    [
      ...asked(2),
      effect("planned", 0, 3, { action: "effect.claim_refused", reason: "not_granted" }),
      ...granted(10),
      ...done,
      effect("confirmed", 1, 30, { action: "effect.resolution_refused", externalId: "x1" }),
    ],
  ],
])("%s: its bundle verifies", async (_what, happened) => {
  expect(await failures(happened)).toEqual([]);
});

test("granted by the policy itself: its bundle verifies, where the policy says so", async () => {
  const under = (automatically: boolean) => ({
    policy: { version: 1, document: { default: { automatic: automatically, approvers: ["ann"] } } },
  });
  expect(await failures([...automatic, ...done], under(true))).toEqual([]);
  const failed = await failures([...automatic, ...done], under(false));
  expect(failed).toEqual([
    expect.stringMatching(/^policy: .* granted by the policy, which does not/),
  ]);
});

test.each<[what: string, happened: History, fails: RegExp]>([
  [
    "denied, then granted by another",
    [...asked(2), ...decided("denied", "ann", 5), ...granted(10), ...done],
    /^approvals: .*bob could not have granted appr_1: it is denied already/,
  ],
  [
    "denied, which the approval is not told of",
    [...asked(2), decision("denied", "ann", 5), ...granted(10), ...done],
    /^approvals: .*appr_1 had been denied/,
  ],
  [
    "granted, taken back, then used",
    [...asked(2), ...granted(10), ...decided("revoked", "ann", 12), ...done],
    /^approvals: .*was revoked, and approval.used cannot follow/,
  ],
  ...["superseded", "expired"].map((end): [string, History, RegExp] => [
    `granted, ${end}, then used`,
    [...asked(2), ...granted(10), approval(end, 12), ...done],
    new RegExp(`^approvals: .*was ${end}, and approval.used cannot follow`),
  ]),
  [
    "used twice",
    [...asked(2), ...granted(10), ...done, approval("used", 23, { usedBy: "eff_1" })],
    /^approvals: .*was used, and approval.used cannot follow/,
  ],
  [
    "done, then sent again and confirmed as another",
    [...asked(2), ...granted(10), ...done, effect("sent", 2, 30), confirmed(2, 31, "x2")],
    /^effects: .*was confirmed, and effect.sent cannot follow/,
  ],
  [
    "done, then said to be another",
    [
      ...asked(2),
      ...granted(10),
      ...done,
      effect("confirmed", 1, 30, { action: "effect.claim_refused", externalId: "x2" }),
    ],
    /^effects: .*was not as effect.claim_refused says/,
  ],
  [
    "sent without a claim",
    [
      ...asked(2),
      ...granted(10),
      approval("used", 20, { usedBy: "eff_1" }),
      effect("sent", 1, 21),
      confirmed(1, 22),
    ],
    /^effects: .*was approved, and effect.sent cannot follow/,
  ],
  [
    "claimed in time, sent a day later",
    [
      ...asked(2),
      ...granted(10),
      approval("used", 20, { usedBy: "eff_1" }),
      effect("claimed", 0, 20),
      effect("sent", 1, 2 * DAY),
      confirmed(1, 2 * DAY),
    ],
    /^effects: .*effect.sent of eff_1 after appr_1 had expired/,
  ],
  [
    "sent under another approval than it was claimed under",
    [
      ...asked(2),
      ...granted(10),
      ...asked(12, anew),
      ...granted(13, anew),
      approval("used", 14, { usedBy: "eff_1" }),
      approval("used", 14, { ...anew, usedBy: "eff_1" }),
      effect("claimed", 0, 15),
      effect("sent", 1, 16, anew),
      confirmed(1, 17, "x1", anew),
    ],
    /^effects: .*is of another plan than before/,
  ],
  [
    "adopted and never sent",
    [...asked(2), ...granted(10), ...resolved("adopt", 0, 30)],
    /^effects: .*was approved, and effect.resolved cannot follow/,
  ],
  ...(["adopt", "resend", "abandon"] as const).map((kind): [string, History, RegExp] => [
    `${kind} by a stranger`,
    [...unknown, ...resolved(kind, 1, 30, { by: "mallory" })],
    /^effects: .*the resolution of eff_1 by mallory, who may not approve its plan/,
  ]),
  [
    "unknown, then confirmed by nobody's word",
    [...unknown, confirmed(1, 30)],
    /^effects: .*was unknown, which only a person's word ends/,
  ],
  [
    "sent more often than is told",
    [
      ...asked(2),
      ...granted(10),
      approval("used", 20, { usedBy: "eff_1" }),
      effect("claimed", 0, 20),
      effect("sent", 2, 21),
      confirmed(2, 22),
    ],
    /^effects: .*had been sent 1 times then/,
  ],
])("%s: its bundle does not verify", async (_what, happened, fails) => {
  expect(await failures(happened)).toEqual([expect.stringMatching(fails)]);
});

test("a resolution is vouched for as the policy asks for its plan, where it is written down how it was", async () => {
  const policy = { version: 1, document: { default: { ...RULE, assurance: "api" } } };
  const vouched = { assurance: "api" };
  const history = (more: Readonly<Record<string, unknown>>) => [
    ...[...asked(2), ...decided("granted", "bob", 10, {}, vouched), effect("approved", 0, 10)],
    ...[...called(20), effect("unknown", 1, 22), ...resolved("adopt", 1, 30, more)],
  ];
  expect(await failures(history(vouched), { policy })).toEqual([]);
  expect(await failures(history({ assurance: undefined }), { policy })).toEqual([]);
  expect(await failures(history({ assurance: "event" }), { policy })).toEqual([
    expect.stringMatching(/^effects: .*came with event, and the policy asks for api/),
  ]);
});

test("who asked for it may end what nobody knows of, and do no more where the policy says never", async () => {
  const rule = { ...RULE, approvers: ["ann", "bob", "ci"], requester: "never" as const };
  const policy = { version: 1, document: { default: rule } };
  const by = (kind: "adopt" | "resend" | "abandon", who: string) =>
    failures([...unknown, ...resolved(kind, 1, 30, { by: who })], { policy });
  expect(await by("abandon", "ci")).toEqual([]);
  expect(await by("adopt", "ann")).toEqual([]);
  for (const kind of ["adopt", "resend"] as const) {
    expect(await by(kind, "ci")).toEqual([
      expect.stringMatching(/^effects: .*the resolution of eff_1 by ci, who asked for it/),
    ]);
  }
});

const SIGNED = { version: 1, document: { default: { ...RULE, assurance: "signature" } } };
const bySignature = (until: number) => [
  ...[...asked(2), ...decided("granted", "bob", 300, {}, signed(instant(until)))],
  ...[effect("approved", 0, 300), ...called(301), confirmed(1, 303)],
];

test.each<[what: string, until: number, Circumstances, fails: RegExp | null]>([
  ["by a key of the project", 301, { others: [key("added", -5)] }, null],
  ["good until it was written down", 241, { others: [key("added", -5)] }, null],
  [
    "over before",
    239,
    { others: [key("added", -5)] },
    /^signatures: .*was good until .*, and came/,
  ],
  [
    "by a key that was revoked before",
    301,
    { others: [key("added", -9), key("revoked", -5)] },
    /^export: .*had been revoked/,
  ],
  [
    "by a key that was revoked after",
    301,
    { others: [key("added", -9), key("revoked", 302)] },
    null,
  ],
  [
    "by a key that came after",
    301,
    { others: [key("added", 302)] },
    /^export: .*before it was added/,
  ],
])("a grant signed %s", async (_what, until, circumstances, fails) => {
  const failed = await failures(bySignature(until), { policy: SIGNED, ...circumstances });
  expect(failed).toEqual(fails ? [expect.stringMatching(fails)] : []);
});

const added = { others: [key("added", -5)] };
test.each<[what: string, resolution: object, Circumstances, fails: RegExp | null]>([
  ["by bob", signedBy("bob", "resend", instant(40)), added, null],
  [
    "as another resolution",
    signedBy("bob", "abandon", instant(40)),
    added,
    /^signatures: .*of bob on eff_1 does not hold/,
  ],
  [
    "by bob as ann",
    signedBy("ann", "resend", instant(40)),
    added,
    /^signatures: .*of ann on eff_1 is of a key that keys.json does not have for them/,
  ],
  [
    "by bob for another day",
    signedBy("bob", "resend", instant(-DAY)),
    added,
    /^signatures: .*was good until .*, and came later/,
  ],
  [
    "by nobody, so it says",
    { by: "bob", assurance: "signature" },
    {},
    /^signatures: .*of bob on eff_1 and its assurance do not fit/,
  ],
  [
    "by a key that came after",
    signedBy("bob", "resend", instant(40)),
    { others: [key("added", 32)] },
    /^export: .*before it was added/,
  ],
])("a resolution signed %s", async (_what, resolution, circumstances, fails) => {
  const happened = [...unknown, ...resolved("resend", 1, 30, { ...resolution }), ...again];
  const failed = await failures(happened, circumstances);
  expect(failed).toEqual(fails ? [expect.stringMatching(fails)] : []);
});

test("the built-in policy is the one that is known here, whatever the bundle says that it is", async () => {
  const under = { policyVersion: 0 };
  const asBuiltIn = [...asked(2, under), ...granted(10, under), ...called(20, under)];
  const policy = BUILT_IN;
  expect(await failures([...asBuiltIn, confirmed(1, 22)], { policy })).toEqual([]);
  const alone = [
    ...[effect("planned", 0, 2), effect("approved", 0, 2)],
    approval("granted", 2, { ...under, by: "policy:0" }),
    ...[...called(20, under), confirmed(1, 22)],
  ];
  const document = { default: { automatic: true } };
  const failed = await failures(alone, { policy: { version: 0, document } });
  expect(failed).toEqual([expect.stringMatching(/^policy: .*version 0 is not the built-in one/)]);
});

test.each(["more.json", "transcripts/job_9.txt", "artifacts/PLAN/p/1.md"])(
  "%s, which the manifest names and nobody owns: it does not verify",
  async (path) => {
    const more = { [path]: Buffer.from("{}") };
    expect(await failures([...asked(2), ...granted(10), ...done], { more })).toEqual([
      `artifacts: ${path} is of no artifact and no job`,
    ]);
  },
);
