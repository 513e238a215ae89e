import { constants, crc32, deflateRawSync } from "node:zlib";

/** One entry of a zip that is made for a test. */
export interface ZipPart {
  readonly name: string;
  readonly content: Buffer;
  /** How many times its content is repeated inside the one entry. The checksum is then that of the content once. */
  readonly repeats?: number;
  /** How many times the entry is written, with a number appended to its name from the second on. */
  readonly copies?: number;
  /** What the headers say its size is, when that is to be a lie. */
  readonly claimedBytes?: number;
}

/** A zip archive. Written by hand because no library agrees to lie about sizes. */
export function zip(parts: readonly ZipPart[]): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const part of parts) {
    const data = deflate(part);
    const crc = crc32(part.content);
    for (let copy = 0; copy < (part.copies ?? 1); copy++) {
      const name = Buffer.from(copy === 0 ? part.name : `${part.name}${copy}`);
      const header = Buffer.alloc(26);
      header.writeUInt16LE(20, 0);
      header.writeUInt16LE(8, 4);
      header.writeUInt32LE(crc, 10);
      header.writeUInt32LE(data.length, 14);
      header.writeUInt32LE(part.claimedBytes ?? part.content.length, 18);
      header.writeUInt16LE(name.length, 22);
      bodies.push(Buffer.from("PK\x03\x04", "latin1"), header, name, data);
      const offset = Buffer.alloc(14);
      offset.writeUInt32LE(at, 10);
      directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), header, offset, name);
      at += 30 + name.length + data.length;
    }
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(directory.length / 4, 8);
  end.writeUInt16LE(directory.length / 4, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, entries, end]);
}

/** A flushed block ends on a byte and needs nothing of what came before, so it can be written any number of times. */
function deflate({ content, repeats = 1 }: ZipPart): Buffer {
  const block = deflateRawSync(content, { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const blocks = Array.from({ length: repeats }, () => block);
  return Buffer.concat([...blocks, deflateRawSync(Buffer.alloc(0))]);
}

const CONTENT_TYPES =
  '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">' +
  '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>';

/** The parts of a Word document whose body is `body`. */
export function docxParts(body: string): ZipPart[] {
  const namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
  const xml = `<?xml version="1.0"?><w:document xmlns:w="${namespace}"><w:body>${body}</w:body></w:document>`;
  return [
    { name: "[Content_Types].xml", content: Buffer.from(CONTENT_TYPES) },
    { name: "word/document.xml", content: Buffer.from(xml) },
  ];
}
