import fc from "fast-check";
import { expect, test } from "vitest";
import { Framer, type Message, Requests } from "./pg-messages.ts";

const message = (type: string, body: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
};
const int16 = (n: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(n);
  return bytes;
};
const int32 = (n: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(n);
  return bytes;
};
const zeroed = (value: string) => Buffer.from(`${value}\0`);

/** What a driver sends for a statement with parameters; for a prepared one its text only the first time. */
function extended(
  sql: string,
  params: readonly (string | null)[],
  { name = "", known = false } = {},
): Buffer {
  const values = params.flatMap((param) => {
    if (param === null) return [int32(-1)];
    const bytes = Buffer.from(param);
    return [int32(bytes.length), bytes];
  });
  return Buffer.concat([
    ...(known ? [] : [message("P", Buffer.concat([zeroed(name), zeroed(sql), int16(0)]))]),
    message(
      "B",
      Buffer.concat([
        zeroed(""),
        zeroed(name),
        int16(1),
        int16(0),
        int16(params.length),
        ...values,
        int16(0),
      ]),
    ),
    message("D", zeroed("P")),
    message("E", Buffer.concat([zeroed(""), int32(0)])),
    message("S", Buffer.alloc(0)),
  ]);
}

const sqlText = fc.string().map((text) => text.replaceAll("\0", "").toWellFormed());
const statement = fc.oneof(
  sqlText.map((sql) => ({ sql, params: [], bytes: message("Q", zeroed(sql)) })),
  fc
    .tuple(sqlText, fc.array(fc.option(sqlText), { maxLength: 5 }))
    .map(([sql, params]) => ({ sql, params, bytes: extended(sql, params) })),
);

test("requests come out as they went in, wherever the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(statement), fc.array(fc.integer({ min: 1, max: 40 })), (sent, cuts) => {
      const startup = Buffer.concat([int32(8), int32(196608)]);
      const framer = new Framer(true);
      const messages: Message[] = [];
      let stream = Buffer.concat([startup, ...sent.map(({ bytes }) => bytes)]);
      for (const cut of cuts) {
        messages.push(...framer.push(stream.subarray(0, cut)));
        stream = stream.subarray(cut);
      }
      messages.push(...framer.push(stream));
      expect(messages[0]).toMatchObject({ type: "", bytes: startup });
      const requests = new Requests();
      const seen = messages.slice(1).flatMap((one) => requests.push(one) ?? []);
      expect(seen).toEqual(sent);
    }),
  );
});

test("a length that cannot be is an error and not a wait for ever", () => {
  expect(() => new Framer().push(Buffer.from([0x51, 0, 0, 0, 1]))).toThrow(RangeError);
  expect(() => new Framer().push(Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]))).toThrow(RangeError);
});

test("a prepared statement is known by its name when only that comes", () => {
  const sent = [
    extended("select one", ["1"], { name: "one" }),
    extended("select", []),
    extended("", ["2"], { name: "one", known: true }),
    extended("select two", [], { name: "two" }),
    extended("", [null], { name: "one", known: true }),
  ];
  const framer = new Framer();
  const requests = new Requests();
  const seen = framer.push(Buffer.concat(sent)).flatMap((one) => requests.push(one) ?? []);
  expect(seen.map(({ sql, params }) => [sql, params])).toEqual([
    ["select one", ["1"]],
    ["select", []],
    ["select one", ["2"]],
    ["select two", []],
    ["select one", [null]],
  ]);
});
