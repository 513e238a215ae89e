import { unzipSync } from "fflate";
import { InvalidInput } from "../errors.ts";
import { zipStream } from "../export/zip.ts";
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES } from "./format.ts";

const PATH = /^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9_.%~-]+(?:\/[A-Za-z0-9_.%~-]+)*$/;

/** The files of a ZIP by their paths, in its order. */
export type ZipFiles = ReadonlyMap<string, Uint8Array>;

/**
 * Reads a ZIP as we write them: nothing compressed, no name twice, at most 256 MB. Says nothing yet about what else may
 * be in the container. Throws InvalidInput that says what is wrong.
 */
export function readZip(zip: Uint8Array): ZipFiles {
  if (zip.byteLength > MAX_BUNDLE_BYTES * 1.1) throw refused("it is larger than a bundle can be");
  const names = new Set<string>();
  let total = 0;
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(zip, {
      // Called with what the directory says, before anything is taken out.
      filter: ({ name, size, originalSize, compression }) => {
        if (!PATH.test(name)) throw refused(`the name ${JSON.stringify(name)} is none of ours`);
        if (names.has(name)) throw refused(`${name} is there twice`);
        names.add(name);
        if (compression !== 0) throw refused(`${name} is compressed, which ours never are`);
        total += originalSize;
        const bomb = size !== originalSize || total > zip.byteLength;
        if (bomb) throw refused(`${name} says that it is larger than there is room for`);
        if (names.size > MAX_BUNDLE_FILES)
          throw refused("it has more files than a bundle can have");
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof InvalidInput) throw cause;
    throw refused("it is no whole ZIP", cause);
  }
  return new Map([...names].map((name) => [name, files[name] ?? new Uint8Array()]));
}

/**
 * The first byte at which a container is not exactly what its own files make, and the file in whose record that is; null when
 * it is. So there is nothing in it but the files: nothing between, behind or in the fields of its records.
 */
export async function strayByte(
  zip: Uint8Array,
  files: ZipFiles,
): Promise<{ at: number; near: string } | null> {
  const entries = async function* () {
    for (const [path, bytes] of files) yield { path, bytes };
  };
  let at = 0;
  for await (const made of zipStream(entries())) {
    const given = zip.subarray(at, at + made.byteLength);
    if (Buffer.compare(given, made) !== 0) {
      const within = made.findIndex((byte, i) => byte !== given[i]);
      return { at: at + within, near: recordAt(at + within, files) };
    }
    at += made.byteLength;
  }
  return at === zip.byteLength ? null : { at, near: "its end" };
}

/** What a file's record has before its name, and behind its bytes: the header, and the descriptor with its checksum. */
const HEADER_BYTES = 30;
const DESCRIPTOR_BYTES = 16;

/** The file in whose record a byte of a container of ours is; behind the last one comes the directory. */
function recordAt(at: number, files: ZipFiles): string {
  let end = 0;
  for (const [path, bytes] of files) {
    end += HEADER_BYTES + path.length + bytes.byteLength + DESCRIPTOR_BYTES;
    if (at < end) return path;
  }
  return "its directory";
}

function refused(why: string, cause?: unknown): InvalidInput {
  return new InvalidInput("bundle_zip", `This is no bundle of ours: ${why}.`, {}, cause);
}
