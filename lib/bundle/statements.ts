import type { BundledApproval, BundledArtifact, BundledEffect, BundledRun } from "./format.ts";
import { shippedCommit } from "./shipped.ts";

/** What the statements are made of; all of it is in the bundle, so that whoever verifies makes them again. */
export interface Stated {
  readonly run: BundledRun;
  readonly approvals: readonly BundledApproval[];
  readonly effects: readonly BundledEffect[];
  readonly artifacts: readonly BundledArtifact[];
  /** Of manifest.json, lower-case hex: through it a statement is about every file. */
  readonly manifestSha256: string;
}

const STATEMENT = "https://in-toto.io/Statement/v1";
const SLSA = "https://slsa.dev/provenance/v1";
export const APPROVAL = "https://countersign.dev/approval/v1";
const BUILD_TYPE = "https://countersign.dev/run/v1";
const BUILDER = "https://countersign.dev/countersign";

/** The commit that is out, and where none is, the account itself: all of its files by its manifest. */
function subjectOf({ effects, manifestSha256 }: Stated) {
  const commit = shippedCommit(effects);
  if (!commit) return [manifestOf(manifestSha256)];
  return [{ name: purl(commit.repository), digest: { gitCommit: commit.sha } }];
}

const manifestOf = (sha256: string) => ({ name: "manifest.json", digest: { sha256 } });
const purl = (repository: string) => `pkg:github/${repository}`;

/** An in-toto statement (v1) with SLSA's provenance (v1): which run made it, of what, asked for by whom. */
export function slsaStatement(stated: Stated) {
  const { run, effects, artifacts, manifestSha256 } = stated;
  const { id, projectId, kind, mode, status, attempt, input, requestedBy, cut } = run;
  return {
    _type: STATEMENT,
    subject: subjectOf(stated),
    predicateType: SLSA,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { kind, mode, requestedBy, input },
        internalParameters: { project: projectId, attempt },
        resolvedDependencies: [
          ...mergedFrom(effects),
          ...artifacts.map(({ id: artifact, path, sha256 }) => ({
            ...{ name: path, digest: { sha256 }, annotations: { artifact } },
          })),
        ],
      },
      runDetails: {
        builder: { id: BUILDER },
        metadata: { invocationId: id, startedOn: run.requestedAt, finishedOn: run.endedAt },
        byproducts: [
          { ...manifestOf(manifestSha256), annotations: { status } },
          { name: `audit entry ${cut.seq}`, digest: { sha256: cut.hash } },
          ...effects.filter((effect) => effect.status === "confirmed").map(made),
        ],
      },
    },
  };
}

/** The commits that were merged: what the base had, and what was put on it. */
function mergedFrom(effects: readonly BundledEffect[]) {
  return effects.flatMap(({ kind, status, intent }) => {
    const { repository, base, head } = kind === "repo.merge" ? (intent ?? {}) : {};
    if (status !== "confirmed" || typeof repository !== "string") return [];
    return [base, head].flatMap((sha) =>
      typeof sha === "string" ? { name: purl(repository), digest: { gitCommit: sha } } : [],
    );
  });
}

/** A change outside; the digest is of the intent that was approved. */
function made({ id, kind, externalId, externalUrl, intentHash }: BundledEffect) {
  return {
    name: id,
    digest: { sha256: intentHash },
    annotations: { kind, externalId, externalUrl },
  };
}

/** An in-toto statement (v1) that says who approved what: which intent hash, of which scope, when, vouched for by what. */
export function approvalStatement(stated: Stated) {
  const { run, approvals, manifestSha256 } = stated;
  return {
    _type: STATEMENT,
    subject: subjectOf(stated),
    predicateType: APPROVAL,
    predicate: {
      run: run.id,
      project: run.projectId,
      requestedBy: run.requestedBy,
      status: run.status,
      audit: { seq: run.cut.seq, hash: run.cut.hash },
      manifest: { sha256: manifestSha256 },
      approvals: approvals.map((approval) => ({
        ...{ id: approval.id, scope: approval.scope, intentHash: approval.intentHash },
        ...{ status: approval.status, quorum: approval.quorum },
        ...{ policyVersion: approval.policyVersion, expiresAt: approval.expiresAt },
        effects: approval.covers.map(({ effectId }) => effectId),
        decisions: approval.decisions.map(({ by, decision, at, seq, assurance, signature }) => ({
          ...{ by, decision, at, seq, assurance, signature },
        })),
      })),
    },
  };
}
