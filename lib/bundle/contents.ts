import type * as z from "zod";
import { canonicalJson, sha256 } from "../canonical.ts";
import {
  type AuditLine,
  approvalsFile,
  artifactsFile,
  auditLine,
  deploymentsFile,
  effectsFile,
  FILES,
  infraFile,
  jobsFile,
  keysFile,
  type Manifest,
  manifestFile,
  policyFile,
  runFile,
  UNLISTED,
} from "./format.ts";
import type { ZipFiles } from "./read-zip.ts";
import { type Check, Findings } from "./verdict.ts";

/** The files of a bundle as what they say. */
export interface Contents {
  readonly manifest: Manifest;
  readonly manifestSha256: string;
  readonly run: z.infer<typeof runFile>;
  readonly approvals: z.infer<typeof approvalsFile>;
  readonly effects: z.infer<typeof effectsFile>;
  readonly policies: z.infer<typeof policyFile>;
  readonly keys: z.infer<typeof keysFile>;
  readonly artifacts: z.infer<typeof artifactsFile>;
  readonly jobs: z.infer<typeof jobsFile>;
  readonly lines: readonly AuditLine[];
}

/** Every file is named by the manifest, and none is named that is not there. Gives the manifest when it can be read. */
export function checkManifest(files: ZipFiles): { check: Check; manifest: Manifest | null } {
  const findings = new Findings();
  const manifest = json(files, FILES.manifest, manifestFile, findings);
  if (manifest) {
    const named = new Set([...manifest.files.map(({ path }) => path), ...UNLISTED]);
    for (const path of named) if (!files.has(path)) findings.wrong(`${path} is not there`);
    for (const path of files.keys()) {
      if (!named.has(path)) findings.wrong(`${path} is not in ${FILES.manifest}`);
    }
    const required = Object.values(FILES).filter((path) => !named.has(path));
    for (const path of required) findings.wrong(`${FILES.manifest} does not name ${path}`);
    const distinct = new Set(manifest.files.map(({ path }) => path)).size;
    if (distinct !== manifest.files.length) findings.wrong(`${FILES.manifest} names a file twice`);
    const order = [...files.keys()];
    if (order.join("\n") !== [...order].sort().join("\n")) findings.wrong("files are out of order");
  }
  const fine = `${files.size} files, all of them named`;
  return { check: findings.as("manifest", fine), manifest };
}

/** Every file has the hash and the size that the manifest says. */
export function checkHashes(files: ZipFiles, manifest: Manifest): Check {
  const findings = new Findings();
  for (const { path, sha256: expected, bytes } of manifest.files) {
    const found = files.get(path);
    if (!found) continue;
    if (found.byteLength !== bytes) {
      findings.wrong(`${path} has ${found.byteLength} bytes, and ${bytes} were listed`);
    } else if (sha256(found) !== expected) {
      findings.wrong(`${path} is not what was listed: its SHA-256 is ${sha256(found)}`);
    }
  }
  return findings.as("files", `${manifest.files.length} files have the hashes that were listed`);
}

/** Every JSON file is in its form. Null instead of contents when one is not. */
export function readContents(
  files: ZipFiles,
  manifest: Manifest,
): { check: Check; contents: Contents | null } {
  const findings = new Findings();
  const run = json(files, FILES.run, runFile, findings);
  const approvals = json(files, FILES.approvals, approvalsFile, findings);
  const effects = json(files, FILES.effects, effectsFile, findings);
  const policies = json(files, FILES.policy, policyFile, findings);
  const keys = json(files, FILES.keys, keysFile, findings);
  const artifacts = json(files, FILES.artifacts, artifactsFile, findings);
  const jobs = json(files, FILES.jobs, jobsFile, findings);
  json(files, FILES.deployments, deploymentsFile, findings);
  json(files, FILES.infra, infraFile, findings);
  const lines = auditLines(files, findings);
  const check = findings.as("contents", "every file is in its form");
  const whole = run && approvals && effects && policies && keys && artifacts && jobs && lines;
  if (!whole) return { check, contents: null };
  if (run.id !== manifest.run || run.projectId !== manifest.project) {
    findings.wrong(`${FILES.run} is of another run than ${FILES.manifest} says`);
  }
  const manifestSha256 = sha256(files.get(FILES.manifest) ?? "");
  return {
    check: findings.as("contents", "every file is in its form"),
    contents: {
      ...{ manifest, manifestSha256, run, approvals, effects, policies, keys, artifacts },
      ...{ jobs, lines },
    },
  };
}

function auditLines(files: ZipFiles, findings: Findings): AuditLine[] | null {
  const text = Buffer.from(files.get(FILES.audit) ?? "").toString("utf8");
  if (!text.endsWith("\n")) {
    findings.wrong(`${FILES.audit} does not end with a line feed`);
    return null;
  }
  const lines: AuditLine[] = [];
  for (const [i, line] of text.slice(0, -1).split("\n").entries()) {
    const parsed = read(line, auditLine);
    if (typeof parsed === "string") {
      findings.wrong(`${FILES.audit} line ${i + 1} ${parsed}`);
      return null;
    }
    lines.push(parsed.value);
  }
  return lines;
}

function json<T extends z.ZodType>(
  files: ZipFiles,
  path: string,
  schema: T,
  findings: Findings,
): z.infer<T> | null {
  const bytes = files.get(path);
  if (!bytes) {
    findings.wrong(`${path} is not there`);
    return null;
  }
  const parsed = read(Buffer.from(bytes).toString("utf8"), schema);
  if (typeof parsed !== "string") return parsed.value;
  findings.wrong(`${path} ${parsed}`);
  return null;
}

/** The value, or what is wrong with its text: there is one canonical text for each, and no other is taken. */
function read<T extends z.ZodType>(text: string, schema: T): { value: z.infer<T> } | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (canonicalJson(value) !== text) return "is not canonical JSON";
  } catch {
    return "is not JSON";
  }
  const { success, data, error } = schema.safeParse(value);
  if (success) return { value: data };
  const [issue] = error.issues;
  return `is not in its form at ${issue?.path.join(".") || "its top"}: ${issue?.message ?? ""}`;
}
