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
  return commit
    ? [{ name: `git+https://github.com/${commit.repository}`, digest: { gitCommit: commit.sha } }]
    : [manifestOf(manifestSha256)];
}

const manifestOf = (sha256: string) => ({ name: "manifest.json", digest: { sha256 } });

/** An in-toto statement (v1) with SLSA's provenance (v1): which run made it, of what, asked for by whom. */
export function slsaStatement(stated: Stated) {
  const { run, effects, artifacts, manifestSha256 } = stated;
  const { id, projectId, kind, mode, status, attempt, input, requestedBy, cut } = run;
  const done = effects.filter((effect) => effect.status === "confirmed");
  return {
    _type: STATEMENT,
    subject: subjectOf(stated),
    predicateType: SLSA,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { kind, mode, requestedBy, input },
        internalParameters: { project: projectId, attempt },
        resolvedDependencies: artifacts.map(({ id: artifact, path, sha256 }) => ({
          ...{ name: artifact, uri: path, digest: { sha256 } },
        })),
      },
      runDetails: {
        builder: { id: BUILDER },
        metadata: { invocationId: id, startedOn: run.requestedAt, finishedOn: run.endedAt },
        byproducts: [
          manifestOf(manifestSha256),
          {
            name: "audit.jsonl",
            annotations: { seq: cut.seq, hash: cut.hash },
          },
          ...done.map((effect) => ({
            name: effect.id,
            annotations: {
              ...{ kind: effect.kind, externalId: effect.externalId },
              ...{ externalUrl: effect.externalUrl, intentHash: effect.intentHash },
            },
          })),
          { name: "outcome", annotations: { status } },
        ],
      },
    },
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
