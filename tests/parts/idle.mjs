/**
 * Modules that show what the host charges for any filter at all: one lets every request pass and looks at nothing, one answers 401 and
 * looks at nothing. They are put together from bytes here, with the callbacks that the gate's module has.
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

/** `i32.const`, signed; only small numbers are needed. */
const constant = (value) => [0x41, ...number(value)];
const END = 0x0b;

/** Where the host may write: nothing is ever freed, and nothing is kept. */
const SCRATCH = 4096;
/** Parameters, results and body of each callback. Continue is 0, Pause is 1. */
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

function assemble(onHeaders) {
  const functions = Object.entries(callbacks(onHeaders));
  return Buffer.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [type(8, 1), ...functions.map(([, [parameters, results]]) => type(parameters, results))]),
    ...section(2, [[...name('env'), ...name('proxy_send_local_response'), 0, 0]]),
    ...section(3, functions.map((_, i) => number(i + 1))),
    ...section(5, [[0, 1]]),
    ...section(7, [[...name('memory'), 2, 0], ...functions.map(([callback], i) => [...name(callback), 0, ...number(i + 1)])]),
    ...section(10, functions.map(([, [, , body]]) => {
      const code = [0, ...body, END];
      return [...number(code.length), ...code];
    })),
  ]);
}

/** Lets every request pass. */
export const passes = assemble(constant(0));

/** Answers 401 without header lines and body: status, details, body, header lines, and no gRPC status. */
export const refuses = assemble([401, 0, 0, 0, 0, 0, 0].flatMap(constant).concat([0x41, 0x7f, 0x10, 0, 0x1a], constant(1)));
