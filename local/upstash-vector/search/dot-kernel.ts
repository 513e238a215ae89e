/**
 * Dot products of a query with rows of a matrix that lie one after the other, all in the same WebAssembly memory.
 *
 * @param query address of the query: 64-bit floats
 * @param rows address of the first row: 32-bit floats, as many as the query has, a multiple of 8
 * @param count rows, at least one
 * @param stride bytes of a row
 * @param results address of the products: one 64-bit float a row
 */
export type DotKernel = (
  query: number,
  rows: number,
  count: number,
  stride: number,
  results: number,
) => void;

/** The kernel on a memory. */
export function dotKernel(memory: WebAssembly.Memory): DotKernel {
  return new WebAssembly.Instance(module, { js: { memory } }).exports.dot as DotKernel;
}

// Written out by hand, because it is one loop that takes four times as long in JavaScript, which has no vector
// instructions, and a compiler for it would be a dependency larger than this project. Sums are made with 64 bits, so a score
// is the same as in JavaScript but for the order of its additions. Codes: WebAssembly Core Specification 2.0, chapter 5 (binary format).

const I32 = 0x7f;
const V128 = 0x7b;
const [QUERY, ROW, COUNT, STRIDE, RESULT] = [0, 1, 2, 3, 4];
const [ROW_END, AT] = [5, 6];
/** Four sums, so that the processor need not wait for each addition. */
const SUMS = [7, 8, 9, 10];
/** Values of a row that go into the four sums at a time. */
const VALUES = 8;

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const i32 = (value: number) => [0x41, ...signed(value)];
const i32Add = [0x6a];
const i32Sub = [0x6b];
const i32LessUnsigned = [0x49];
const f64Add = [0xa0];
const f64Store = [0x39, 3, 0];
const loop = (...body: number[][]) => [0x03, 0x40, ...body.flat(), 0x0b];
const repeatIf = [0x0d, 0];
const simd = (code: number, ...operands: number[]) => [0xfd, ...unsigned(code), ...operands];
const zeros = simd(0x0c, ...Array<number>(16).fill(0));
const twoDoubles = (offset: number) => simd(0x00, 3, ...unsigned(offset));
/** Loads two 32-bit floats and makes them 64-bit ones. */
const twoFloats = (offset: number) => [...simd(0x5d, 3, ...unsigned(offset)), ...simd(0x5f)];
const add = simd(0xf0);
const multiply = simd(0xf2);
const lane = (number: number) => simd(0x21, number);
const increase = (local: number, by: number) => [
  ...get(local),
  ...i32(by),
  ...i32Add,
  ...set(local),
];

const accumulate = SUMS.flatMap((sum, i) => [
  ...get(sum),
  ...[...get(AT), ...twoDoubles(16 * i), ...get(ROW), ...twoFloats(8 * i), ...multiply],
  ...add,
  ...set(sum),
]);
const [first = 0, second = 0, third = 0, fourth = 0] = SUMS;
const sumUp = [
  ...[...get(first), ...get(second), ...add, ...get(third), ...get(fourth), ...add, ...add],
  ...tee(first),
  ...[...lane(0), ...get(first), ...lane(1), ...f64Add],
];

const dot = loop(
  [...get(ROW), ...get(STRIDE), ...i32Add, ...set(ROW_END)],
  [...get(QUERY), ...set(AT)],
  SUMS.flatMap((sum) => [...zeros, ...set(sum)]),
  loop(accumulate, increase(AT, 8 * VALUES), increase(ROW, 4 * VALUES), [
    ...get(ROW),
    ...get(ROW_END),
    ...i32LessUnsigned,
    ...repeatIf,
  ]),
  [...get(RESULT), ...sumUp, ...f64Store],
  increase(RESULT, 8),
  [...get(COUNT), ...i32(1), ...i32Sub, ...tee(COUNT), ...repeatIf],
);

const module = new WebAssembly.Module(
  Uint8Array.from([
    ...[0x00, ...ascii("asm"), 1, 0, 0, 0],
    ...section(1, list([0x60, ...list([I32], [I32], [I32], [I32], [I32]), ...list()])),
    ...section(2, list([...name("js"), ...name("memory"), 0x02, 0x00, 1])),
    ...section(3, list([0])),
    ...section(7, list([...name("dot"), 0x00, 0])),
    ...section(10, list(sized([...list([2, I32], [SUMS.length, V128]), ...dot, 0x0b]))),
  ]),
);

function section(id: number, content: number[]): number[] {
  return [id, ...sized(content)];
}

function list(...items: number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function name(text: string): number[] {
  return sized(ascii(text));
}

function sized(content: number[]): number[] {
  return [...unsigned(content.length), ...content];
}

function ascii(text: string): number[] {
  return [...Buffer.from(text, "latin1")];
}

/** LEB128, seven bits a byte, the lowest first. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** The same for a number with a sign, which is the last byte's second bit. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
