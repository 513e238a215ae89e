import { randomBytes } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ENTROPY_BYTES = 10;
const MAX_TIME = 2 ** 48 - 1;

/**
 * A ULID: 26 characters that sort by time.
 * @param time milliseconds since the epoch.
 * @param entropy 10 bytes; the same time and entropy give the same id.
 */
export function ulid(time = Date.now(), entropy: Uint8Array = randomBytes(ENTROPY_BYTES)): string {
  const hex = Buffer.from(entropy).toString("hex");
  let value = (BigInt(Math.trunc(time)) << 80n) | BigInt(`0x${hex}`);
  let text = "";
  for (let i = 0; i < 26; i++) {
    text = ALPHABET[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return text;
}

/**
 * Ids that stay the same when a client repeats a request, from the header `x-inngest-event-id-seed`
 * (`<milliseconds>,<10 bytes as base64>`). The position in the request is added to the entropy, so the events
 * of one request differ. Without a usable seed the ids are random.
 */
export function seededIds(seed: string | undefined): (index: number) => string {
  const [millis = "", base64 = ""] = seed?.split(",") ?? [];
  const time = Number(millis);
  const entropy = Buffer.from(base64, "base64");
  const usable =
    millis !== "" &&
    Number.isInteger(time) &&
    time >= 0 &&
    time <= MAX_TIME &&
    entropy.length === ENTROPY_BYTES;
  if (!usable) return () => ulid();
  return (index) => {
    const own = Buffer.from(entropy);
    own.writeUInt32BE((own.readUInt32BE(6) + index) >>> 0, 6);
    return ulid(time, own);
  };
}
