import type { PublicKeys } from "../audit/checkpoint.ts";
import { canonicalJson } from "../canonical.ts";
import type { Contents } from "./contents.ts";
import { type Envelope, envelopeSchema, signatureOf } from "./dsse.ts";
import { FILES } from "./format.ts";
import type { ZipFiles } from "./read-zip.ts";
import { approvalStatement, slsaStatement } from "./statements.ts";
import { type Check, Findings } from "./verdict.ts";

/** Both statements are what the bundle's own files make, and signed. `trusted`: keys that the auditor brings. */
export function checkStatements(
  contents: Contents,
  files: ZipFiles,
  { own, trusted }: { own: PublicKeys; trusted: PublicKeys | undefined },
): Check[] {
  const provenance = new Findings();
  const signed = new Findings();
  const stated = [
    { path: FILES.slsaStatement, statement: slsaStatement(contents) },
    { path: FILES.approvalStatement, statement: approvalStatement(contents) },
  ];
  const keyIds = new Set<string>();
  for (const { path, statement } of stated) {
    const envelope = readEnvelope(files.get(path));
    if (!envelope) {
      provenance.wrong(`${path} is no DSSE envelope in canonical JSON`);
      signed.wrong(`${path} cannot be read`);
      continue;
    }
    if (envelope.payload !== Buffer.from(canonicalJson(statement)).toString("base64")) {
      provenance.wrong(`${path} does not state what the other files say`);
    }
    checkSignature({ path, envelope, own, trusted, expects: contents.keys.audit }, signed);
    for (const { keyid } of envelope.signatures) keyIds.add(keyid);
  }
  const by = [...keyIds].join(", ");
  return [
    provenance.as("provenance", "the statements say what the other files say"),
    signed.as(
      "signature",
      trusted
        ? `signed by ${by}, which you trust`
        : `signed by ${by}, a key that the bundle itself brings`,
    ),
  ];
}

function checkSignature(
  about: {
    path: string;
    envelope: Envelope;
    own: PublicKeys;
    trusted: PublicKeys | undefined;
    expects: Contents["keys"]["audit"];
  },
  findings: Findings,
): void {
  const { path, envelope, own, trusted, expects } = about;
  const [signature, ...more] = envelope.signatures;
  if (!signature) {
    // Whoever takes the signature off must not make it look as if there had never been one.
    if (expects || trusted) findings.wrong(`${path} is unsigned, though a key is there to sign it`);
    else findings.unknown(`unsigned: ${path} has no signature, since no key was there to sign it`);
    return;
  }
  if (more.length > 0) findings.wrong(`${path} has ${envelope.signatures.length} signatures`);
  const key = (trusted ?? own).get(signature.keyid);
  if (!key) {
    const whom = trusted ? "none of the keys that you trust" : "no key of the bundle";
    findings.wrong(`${path} is signed by ${signature.keyid}, which is ${whom}`);
  } else if (!signatureOf(envelope, signature.keyid, key)) {
    findings.wrong(`the signature of ${path} by ${signature.keyid} does not hold`);
  }
}

function readEnvelope(bytes: Uint8Array | undefined): Envelope | null {
  const text = Buffer.from(bytes ?? "").toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    if (canonicalJson(value) !== text) return null;
    return envelopeSchema.safeParse(value).data ?? null;
  } catch {
    // Not JSON, so no envelope: that is the answer.
    return null;
  }
}
