/**
 * Uses up the budget that V8 has for inlining: node inlining_budget.mjs MODULE NEW_MODULE
 *
 * Envoy switches V8's baseline compiler off. V8 then has not counted any calls, and inlines what a
 * function calls in the order of its code, until that has twice the size of the function: allocator
 * and panics in most functions, which makes more than twice as much to compile and nothing faster.
 * So each function begins with calls of functions that have a size and do nothing, in a branch that
 * is never taken and that V8 removes after it has inlined them. Decision 0051 has the figures.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** So many times its own size V8 inlines into a function. */
const GROWTH = 2;
/** Bytes of the functions that do nothing. What is smaller than the last is still inlined. */
const SIZES = [4096, 2048, 1024, 512, 256, 128];

const Section = { TYPE: 1, IMPORT: 2, FUNCTION: 3, CODE: 10 };
const Opcode = { NOP: 0x01, IF: 0x04, END: 0x0b, CALL: 0x10, I32_CONST: 0x41 };
const NO_RESULT = 0x40;
const FUNCTION_TYPE = 0x60;
const FUNCTION_IMPORT = 0;
const MAGIC_AND_VERSION = 8;
/** The beginning of a branch that is never taken. */
const BRANCH = Buffer.from([Opcode.I32_CONST, 0, Opcode.IF, NO_RESULT]);

/** An unsigned number in LEB128. */
function encoded(number) {
  const bytes = [];
  for (let rest = number; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** Reads the binary format of WebAssembly. */
class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd() {
    return this.at >= this.bytes.length;
  }

  byte() {
    return this.bytes[this.at++];
  }

  number() {
    for (let [value, shift] = [0, 0]; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** Bytes with their number before them. */
  sized() {
    const length = this.number();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** A vector, whose elements `read` reads. */
  vector(read) {
    return Array.from({ length: this.number() }, read);
  }
}

const withSize = (bytes) => Buffer.concat([encoded(bytes.length), bytes]);
const vector = (elements) => Buffer.concat([encoded(elements.length), ...elements]);

/** The sections in their order, each with its id. */
function sections(module) {
  const reader = new Reader(module, MAGIC_AND_VERSION);
  const found = [];
  while (!reader.isAtEnd) found.push({ id: reader.byte(), bytes: reader.sized() });
  return found;
}

function countImports(bytes) {
  const reader = new Reader(bytes);
  return reader.vector(() => {
    reader.sized();
    reader.sized();
    if (reader.byte() !== FUNCTION_IMPORT) throw new Error('the module imports something that is no function');
    reader.number();
  }).length;
}

/** The index of the type of a function without parameters and results. */
function plainType(bytes) {
  const reader = new Reader(bytes);
  const types = reader.vector(() => {
    if (reader.byte() !== FUNCTION_TYPE) throw new Error('the module has a type that is not that of a function');
    return reader.sized().length + reader.sized().length;
  });
  const index = types.indexOf(0);
  if (index < 0) throw new Error('the module has no function without parameters and results');
  return index;
}

/** The position in a function's body after the declarations of its local variables. */
function afterLocals(body) {
  const reader = new Reader(body);
  reader.vector(() => [reader.number(), reader.byte()]);
  return reader.at;
}

/**
 * A body with calls that use up its budget, which grows with each of them. `first` is the index of
 * the largest function that does nothing.
 */
function withCalls(body, first) {
  const calls = SIZES.map((_, number) => Buffer.concat([Buffer.from([Opcode.CALL]), encoded(first + number)]));
  const added = [];
  let budget = GROWTH * (body.length + BRANCH.length + 1);
  for (const [number, size] of SIZES.entries()) {
    for (; size < budget; budget += GROWTH * calls[number].length - size) added.push(calls[number]);
  }
  if (added.length === 0) return body;
  const start = afterLocals(body);
  return Buffer.concat([body.subarray(0, start), BRANCH, ...added, Buffer.from([Opcode.END]), body.subarray(start)]);
}

/** A function of `size` bytes that does nothing. */
const doesNothing = (size) => Buffer.from([0, ...Array(size - 2).fill(Opcode.NOP), Opcode.END]);

function usedUp(module) {
  const found = sections(module);
  const section = (id) => found.find((section) => section.id === id).bytes;
  const functions = new Reader(section(Section.FUNCTION));
  const types = functions.vector(() => encoded(functions.number()));
  const code = new Reader(section(Section.CODE));
  const bodies = code.vector(() => code.sized());
  const first = countImports(section(Section.IMPORT)) + bodies.length;

  const type = encoded(plainType(section(Section.TYPE)));
  const changed = {
    [Section.FUNCTION]: vector([...types, ...SIZES.map(() => type)]),
    [Section.CODE]: vector([...bodies.map((body) => withCalls(body, first)), ...SIZES.map(doesNothing)].map(withSize)),
  };
  const written = found.map(({ id, bytes }) => [Buffer.from([id]), withSize(changed[id] ?? bytes)]);
  return Buffer.concat([module.subarray(0, MAGIC_AND_VERSION), ...written.flat()]);
}

const [from, to] = process.argv.slice(2);
writeFileSync(to, usedUp(readFileSync(from)));
