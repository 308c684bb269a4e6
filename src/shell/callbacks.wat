;; Exports the callbacks of `abi.rs` under the names of the ABI, in place of the SDK's. `build.sh`
;; merges this with the module.
(module
  (import "tenantgate" "tenantgate_on_request_headers"
    (func $on_request_headers (param i32 i32 i32) (result i32)))
  (import "tenantgate" "tenantgate_on_response_headers"
    (func $on_response_headers (param i32 i32 i32) (result i32)))
  (export "proxy_on_request_headers" (func $on_request_headers))
  (export "proxy_on_response_headers" (func $on_response_headers)))
