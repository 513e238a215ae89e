import { randomFillSync } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ENTROPY_BYTES = 10;
const MAX_TIME = 2 ** 48 - 1;

/** Random bytes are fetched many at a time: a call of the system for each id is what would take most of its time. */
const pool = Buffer.alloc(ENTROPY_BYTES * 100);
let used = pool.length;

function randomEntropy(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const entropy = pool.subarray(used, used + ENTROPY_BYTES);
  used += ENTROPY_BYTES;
  return entropy;
}

/**
 * A ULID: 26 characters that sort by time.
 * @param time milliseconds since the epoch.
 * @param entropy 10 bytes; the same time and entropy give the same id.
 */
export function ulid(time = Date.now(), entropy: Uint8Array = randomEntropy()): string {
  let text = "";
  let rest = Math.trunc(time);
  for (let i = 0; i < 10; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  let bits = 0;
  let count = 0;
  for (const byte of entropy) {
    bits = (bits << 8) | byte;
    count += 8;
    while (count >= 5) {
      count -= 5;
      text += ALPHABET[(bits >> count) & 31];
    }
    bits &= (1 << count) - 1;
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
