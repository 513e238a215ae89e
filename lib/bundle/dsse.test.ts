import { generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Envelope, enveloped, envelopeSchema, preAuthEncoding, signatureOf } from "./dsse.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const signer = (bytes: Uint8Array) => ({ keyId: "k", signature: sign(null, bytes, privateKey) });
const read = (bytes: Buffer): Envelope => envelopeSchema.parse(JSON.parse(bytes.toString()));

test("what is signed is encoded as the specification's example is", () => {
  const encoded = preAuthEncoding("http://example.com/HelloWorld", Buffer.from("hello world"));
  expect(encoded.toString()).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
});

test("lengths are in bytes, so that no two pairs of type and payload are encoded the same", () => {
  expect(preAuthEncoding("é", Buffer.from("ü")).toString()).toBe("DSSEv1 2 é 2 ü");
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
      const [one, two] = [preAuthEncoding(a, Buffer.from(b)), preAuthEncoding(c, Buffer.from(d))];
      expect(one.equals(two)).toBe(a === c && Buffer.from(b).equals(Buffer.from(d)));
    }),
  );
});

test("a signature holds for its statement alone, whichever bit of it or of the payload is another", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (value, n) => {
      const statement = JSON.parse(JSON.stringify(value));
      const envelope = read(enveloped(statement, signer));
      expect(signatureOf(envelope, "k", publicKey)).toBe(true);
      expect(signatureOf(envelope, "other", publicKey)).toBe(false);
      const payload = Buffer.from(envelope.payload, "base64");
      const at = n % payload.length;
      payload[at] = (payload[at] ?? 0) ^ 1;
      const changed = { ...envelope, payload: payload.toString("base64") };
      expect(signatureOf(changed, "k", publicKey)).toBe(false);
      const sig = envelope.signatures[0]?.sig ?? "";
      const i = n % (sig.length - 2);
      const other = `${sig.slice(0, i)}${sig[i] === "A" ? "B" : "A"}${sig.slice(i + 1)}`;
      const forged = { ...envelope, signatures: [{ keyid: "k", sig: other }] };
      expect(signatureOf(forged, "k", publicKey)).toBe(false);
    }),
  );
});

test("without a signer the envelope has no signature, and is otherwise the same", () => {
  const [bare, signed] = [read(enveloped({ a: 1 }, null)), read(enveloped({ a: 1 }, signer))];
  expect(bare).toEqual({ ...signed, signatures: [] });
});
