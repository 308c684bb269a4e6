/**
 * Wasm modules that show the cost of the host for `bench.mjs`. They decide nothing: they make
 * host calls of Tenantgate with constant arguments. They export the same callbacks as Tenantgate's
 * module and are assembled from bytes here.
 */

const I32 = 0x7f;
const number = (value) => {
  const bytes = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
};
const list = (items) => [...number(items.length), ...items.flat()];
const name = (text) => list([...Buffer.from(text)]);
const section = (id, items) => {
  const content = list(items);
  return [id, ...number(content.length), ...content];
};
const type = (parameters, results) => [0x60, ...list(Array(parameters).fill(I32)), ...list(Array(results).fill(I32))];

/** `i32.const` of a non-negative number. Bit 6 of the last byte is the sign. */
const constant = (value) => {
  const bytes = number(value);
  const last = bytes.at(-1);
  return [0x41, ...(last & 0x40 ? [...bytes.slice(0, -1), last | 128, 0] : bytes)];
};
const MINUS_ONE = [0x41, 0x7f];
const END = 0x0b;
const RETURN = 0x0f;

/** The host functions and the number of their parameters. */
const IMPORTS = {
  random_get: 2,
  proxy_send_local_response: 8,
  proxy_get_header_map_pairs: 3,
  proxy_get_current_time_nanoseconds: 1,
  proxy_call_foreign_function: 6,
  proxy_remove_header_map_value: 3,
  proxy_replace_header_map_value: 5,
  proxy_set_header_map_pairs: 3,
};
/** Calls a host function and drops its status. */
const call = (callee, ...parameters) => [...parameters.flat(), 0x10, ...number(Object.keys(IMPORTS).indexOf(callee)), 0x1a];

/** The address of the memory that the host gets to write to. It is never freed. */
const SCRATCH = 4096;
/** The address where the host writes addresses, lengths and the time. */
const RESULTS = 1024;
/** The address where the host writes random numbers. */
const RANDOM = 2048;
/** The address of the constant texts, in a page of their own. */
const TEXTS = 65536;
/** The parameters, results and body of each callback. Continue is 0, Pause is 1. */
const callbacks = (onHeaders) => ({
  _initialize: [0, 0, []],
  proxy_abi_version_0_2_1: [0, 0, []],
  proxy_on_memory_allocate: [1, 1, constant(SCRATCH)],
  proxy_on_context_create: [2, 0, []],
  proxy_on_vm_start: [2, 1, constant(1)],
  proxy_on_configure: [2, 1, constant(1)],
  proxy_on_tick: [1, 0, []],
  proxy_on_request_headers: [3, 1, onHeaders],
  proxy_on_request_body: [3, 1, constant(0)],
  proxy_on_request_trailers: [2, 1, constant(0)],
  proxy_on_response_headers: [3, 1, constant(0)],
  proxy_on_http_call_response: [5, 0, []],
  proxy_on_delete: [1, 0, []],
});

/** The constant texts of a module. */
class Texts {
  bytes = [];

  /** The address and the length of `bytes`, as two parameters. */
  add(bytes) {
    const at = TEXTS + this.bytes.length;
    this.bytes.push(...Buffer.from(bytes));
    return [constant(at), constant(Buffer.byteLength(bytes))];
  }
}

function assemble(onHeaders, texts) {
  const functions = Object.entries(callbacks(onHeaders));
  const imports = Object.entries(IMPORTS);
  return Buffer.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [...imports.map(([, parameters]) => type(parameters, 1)), ...functions.map(([, [parameters, results]]) => type(parameters, results))]),
    ...section(2, imports.map(([callee], i) => [...name(callee.startsWith('proxy_') ? 'env' : 'wasi_snapshot_preview1'), ...name(callee), 0, ...number(i)])),
    ...section(3, functions.map((_, i) => number(i + imports.length))),
    ...section(5, [[0, 2]]),
    ...section(7, [
      [...name('memory'), 2, 0],
      ...functions.map(([callback], i) => [...name(callback), 0, ...number(i + imports.length)]),
    ]),
    ...section(10, functions.map(([, [, , body]]) => {
      const code = [0, ...body, END];
      return [...number(code.length), ...code];
    })),
    ...section(11, [[0, ...constant(TEXTS), END, ...list(texts.bytes)]]),
  ]);
}

/** Header lines or other pairs in the format of the ABI. */
function serialized(pairs) {
  const word = (value) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
  const sizes = pairs.flat().flatMap((text) => word(text.length));
  return Buffer.from([...word(pairs.length), ...sizes, ...pairs.flat().flatMap((text) => [...Buffer.from(text), 0])]);
}

const REQUEST_HEADERS = constant(0);

/** Reads all header lines of the request. */
export const readHead = () => () => call('proxy_get_header_map_pairs', REQUEST_HEADERS, constant(RESULTS), constant(RESULTS + 4));
export const readTime = () => () => call('proxy_get_current_time_nanoseconds', constant(RESULTS));
export const readRandom = (size) => () => call('random_get', constant(RANDOM), constant(size));
export const removeHeader = (header) => (texts) => call('proxy_remove_header_map_value', REQUEST_HEADERS, ...texts.add(header));
export const replaceHeader = (header, value) => (texts) => (
  call('proxy_replace_header_map_value', REQUEST_HEADERS, ...texts.add(header), ...texts.add(value)));
/** Replaces all header lines of the request by these. */
export const replaceHead = (headers) => (texts) => call('proxy_set_header_map_pairs', REQUEST_HEADERS, ...texts.add(serialized(headers)));
/** Answers, which has to be the last call. */
export const reply = (status, body, headers) => (texts) => [
  ...call('proxy_send_local_response', constant(status), constant(0), constant(0), ...texts.add(body), ...texts.add(serialized(headers)), MINUS_ONE),
  ...constant(1), RETURN,
];
/** Verifies a signature, which has to be the last call. An invalid one pauses the request. */
export const verifySignature = ({ hash, key, signature, text }) => (texts) => {
  const field = (tag, bytes) => [...number((tag << 3) | 2), ...list([...Buffer.from(bytes)])];
  const question = Buffer.from([...field(1, hash), ...field(2, key), ...field(3, signature), ...field(4, text)]);
  return [
    ...call('proxy_call_foreign_function', ...texts.add('verify_signature'), ...texts.add(question), constant(RESULTS), constant(RESULTS + 4)),
    // Continue only if field 1 of the answer is true: its two bytes are 8 and 1.
    ...constant(SCRATCH), 0x2f, 0, 0, ...constant(0x0108), 0x47, RETURN,
  ];
};

/** A module that makes these calls for each request, and lets it continue if none answers. */
export function makesCalls(...calls) {
  const texts = new Texts();
  return assemble([...calls.flatMap((make) => make(texts)), ...constant(0)], texts);
}
