//! A mock proxy-wasm host (ABI 0.2.1) for the module. It behaves as Envoy does. Where the ABI
//! leaves room it is stricter: it has only the functions that the module may use, and replacing a
//! header replaces the first line only.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;

use wasmi::{AsContextMut, Caller, Config, Engine, Error, Extern, ExternType, Instance, Linker, Module, Store, Val};

use tenantgate::env::shared::{SharedData as _, Version};
use tenantgate::jose::{Hash, HostVerifier as _};

use super::clock::Clock;
use super::crypto::RealCrypto;
use super::harness::{Lines, Reply, UPSTREAM_HEADERS, client_address};
use super::shared::SharedStore;

/// One VM with one plugin.
pub struct Host {
    store: Store<State>,
    instance: Instance,
    next_context: i32,
    /// The root context of the plugin.
    root: i32,
}

/// What a request or a tick costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// What the module executes, in units of the interpreter: most instructions are one, and those
    /// that copy memory are more.
    pub instructions: u64,
    /// The functions of the host that it calls, one after the other, without `proxy_`.
    pub host_calls: Vec<String>,
}

/// The state of the host that the module reads and changes.
pub struct State {
    pub configuration: Vec<u8>,
    pub environment: Vec<(String, String)>,
    pub clock: Clock,
    pub log: Vec<(i32, String)>,
    /// The log level that the host reports, if it does.
    pub log_level: Option<u32>,
    pub counters: BTreeMap<String, i64>,
    /// Whether the host refuses calls, as for an unknown cluster.
    pub refuse_calls: bool,
    /// After how many more calls the host refuses them, if it does.
    pub refuse_calls_after: Rc<Cell<Option<usize>>>,
    /// Whether the host refuses random numbers.
    pub refuse_random: bool,
    /// The functions of the host that the module has called, while that is of interest.
    pub host_calls: Option<Vec<String>>,
    /// Whether the host has `verify_signature`.
    pub cryptography: bool,
    /// The shared data of the process.
    pub shared: SharedStore,
    /// Whether the host does not know the addresses of clients, as on a Unix domain socket.
    pub no_clients: bool,
    /// How often the module asked for the address of a client.
    pub client_asked: usize,
    /// The properties that the module set, in order.
    pub properties: Vec<(String, String)>,
    /// The calls of the root context, while one of its callbacks runs.
    root_calls: Option<Vec<Call>>,
    /// The time between two ticks in milliseconds, if the module asked for ticks.
    pub tick_period: Option<i32>,
    /// The context that host calls act on.
    context: i32,
    /// The root context of the plugin, which is no stream.
    root: i32,
    /// The contexts that have not ended.
    contexts: BTreeSet<i32>,
    /// The status of the last callback for a head.
    status: i32,
    metrics: Vec<String>,
    request: Lines,
    /// The trailers of the request that were not removed.
    pub trailers: Lines,
    /// The part of the request body that has arrived.
    body: Vec<u8>,
    pub response: Lines,
    /// The filter's answers that nobody has taken yet, by context.
    replies: BTreeMap<i32, Reply>,
    resumed: bool,
    call: Option<Call>,
    answer: (Lines, Vec<u8>),
    next_token: i32,
}

impl State {
    /// The address and port of the client of the current request, as Envoy writes them.
    fn client(&self) -> Option<String> {
        let address = SocketAddr::new(client_address(&self.request), 40_000);
        (!self.no_clients).then(|| address.to_string())
    }

    /// Whether the module resumed the stream.
    pub fn resumed(&self) -> bool {
        self.resumed
    }
}

/// An outbound HTTP call of the module.
#[derive(Clone)]
pub struct Call {
    pub cluster: String,
    pub head: Lines,
    pub body: Vec<u8>,
    pub timeout_ms: i32,
    token: i32,
}

/// The state of a request after a callback.
pub enum RequestState {
    /// Forwarded with these lines; the client got this answer.
    Forwarded(Lines, Reply),
    /// Forwarded with these lines, while a refresh begins beside it.
    Beside(Lines),
    /// Answered by the filter.
    Replied(Reply),
    /// Paused until the end of a call.
    Waits(Call),
    /// Paused until a tick or the end of a call of the root context.
    Awaits,
}

/// When the upstream answers a request, beside which a session is refreshed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UpstreamAnswers {
    BeforeTick,
    BeforeCalls,
    AfterCalls,
}

const OK: i32 = 0;
const NOT_FOUND: i32 = 1;
const BAD_ARGUMENT: i32 = 2;
const UNIMPLEMENTED: i32 = 12;
const CAS_MISMATCH: i32 = 8;
const CONTINUE: i32 = 0;
const STOP_ITERATION: i32 = 1;
const STOP_ALL_ITERATION_AND_WATERMARK: i32 = 4;
/// The usual time between two ticks in milliseconds.
const USUAL_PERIOD: i32 = 1000;
const PLUGIN_CONFIGURATION: i32 = 7;
const REQUEST_BODY: i32 = 0;
const CALL_BODY: i32 = 4;
const REQUEST_HEADERS: i32 = 0;
const REQUEST_TRAILERS: i32 = 1;
const RESPONSE_HEADERS: i32 = 2;
const CALL_HEADERS: i32 = 6;

impl Host {
    /// Starts a VM and configures the plugin. The second value is whether the module accepted the
    /// configuration.
    pub fn start(configuration: &[u8], environment: &[(&str, &str)], clock: Clock) -> (Self, bool) {
        Self::start_with(configuration, environment, clock, SharedStore::default(), true)
    }

    /// As [`start`](Self::start), with these shared data, and with or without `verify_signature`.
    pub fn start_with(
        configuration: &[u8],
        environment: &[(&str, &str)],
        clock: Clock,
        shared: SharedStore,
        cryptography: bool,
    ) -> (Self, bool) {
        Self::start_in(&Engine::default(), configuration, environment, clock, shared, cryptography)
    }

    /// As [`start`](Self::start), in a VM that counts what the module executes.
    pub fn start_metered(configuration: &[u8], environment: &[(&str, &str)], clock: Clock) -> (Self, bool) {
        let mut config = Config::default();
        config.consume_fuel(true);
        Self::start_in(&Engine::new(&config), configuration, environment, clock, SharedStore::default(), true)
    }

    fn start_in(
        engine: &Engine,
        configuration: &[u8],
        environment: &[(&str, &str)],
        clock: Clock,
        shared: SharedStore,
        cryptography: bool,
    ) -> (Self, bool) {
        let module = Module::new(engine, module_bytes()).unwrap();
        let state = State {
            configuration: Vec::new(),
            environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            clock,
            log: Vec::new(),
            log_level: Some(0),
            counters: BTreeMap::new(),
            refuse_calls: false,
            refuse_calls_after: Rc::default(),
            refuse_random: false,
            host_calls: None,
            cryptography,
            shared,
            no_clients: false,
            client_asked: 0,
            properties: Vec::new(),
            root_calls: None,
            tick_period: None,
            context: 0,
            root: 0,
            contexts: BTreeSet::new(),
            status: CONTINUE,
            metrics: Vec::new(),
            request: Vec::new(),
            trailers: Vec::new(),
            body: Vec::new(),
            response: Vec::new(),
            replies: BTreeMap::new(),
            resumed: false,
            call: None,
            answer: Default::default(),
            next_token: 1,
        };
        let mut store = Store::new(engine, state);
        let mut linker = Linker::<State>::new(engine);
        for import in module.imports() {
            let ExternType::Func(ty) = import.ty() else { panic!("{} is no function", import.name()) };
            let name = import.name().to_owned();
            linker
                .func_new(import.module(), import.name(), ty.clone(), move |mut caller, arguments, results| {
                    if let Some(calls) = &mut caller.data_mut().host_calls {
                        calls.push(name.trim_start_matches("proxy_").to_owned());
                    }
                    let arguments: Vec<i64> = arguments.iter().map(integer).collect();
                    let result = provide(&mut caller, &name, &arguments)?;
                    if let Some(slot) = results.first_mut() {
                        *slot = Val::I32(result);
                    }
                    Ok(())
                })
                .unwrap();
        }
        // Only a metered store has fuel.
        let _ = store.set_fuel(u64::MAX);
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let mut host = Self { store, instance, next_context: 1, root: 0 };
        host.invoke("_initialize", &[]);
        let taken = host.configure(configuration);
        (host, taken)
    }

    /// Configures the plugin. Returns whether the module accepted the configuration. As in Envoy,
    /// every configuration has a root context of its own in the same VM.
    pub fn configure(&mut self, configuration: &[u8]) -> bool {
        let (root, replaced) = (self.next_context, self.root);
        self.next_context += 1;
        self.state().root = root;
        self.create_context(root, 0);
        self.invoke("proxy_on_vm_start", &[root, 0]);
        self.state().configuration = configuration.to_vec();
        let taken = self.invoke("proxy_on_configure", &[root, configuration.len().try_into().unwrap()]) != 0;
        if !taken && replaced != 0 {
            self.end(root);
            self.state().root = replaced;
            return false;
        }
        self.root = root;
        if replaced != 0 {
            self.end(replaced);
        }
        taken
    }

    fn create_context(&mut self, context: i32, parent: i32) {
        self.state().contexts.insert(context);
        self.invoke("proxy_on_context_create", &[context, parent]);
    }

    pub fn state(&mut self) -> &mut State {
        self.store.data_mut()
    }

    /// What `act` costs in this VM, which has to be a metered one, and its result.
    pub fn cost<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> (Cost, T) {
        let before = self.store.get_fuel().unwrap();
        self.state().host_calls = Some(Vec::new());
        let result = act(self);
        let instructions = before - self.store.get_fuel().unwrap();
        (Cost { instructions, host_calls: self.state().host_calls.take().unwrap() }, result)
    }

    /// How many bytes of the module's stack were ever used. The stack begins at the first MiB and
    /// grows down to address 0; what lies beyond cannot be written. It was zero at the start.
    pub fn stack_used(&self) -> usize {
        let memory = self.instance.get_memory(&self.store, "memory").unwrap();
        let stack = &memory.data(&self.store)[..STACK];
        STACK - stack.iter().position(|&byte| byte != 0).unwrap_or(STACK)
    }

    /// The size of the module's memory in bytes.
    pub fn memory(&self) -> u64 {
        self.instance.get_memory(&self.store, "memory").unwrap().size(&self.store) * 65_536
    }

    /// Delivers a request. Returns its context and its state.
    pub fn request(&mut self, head: &Lines) -> (i32, RequestState) {
        self.request_with(head, None)
    }

    /// As [`request`](Self::request), with a body, which is delivered in pieces.
    pub fn request_with(&mut self, head: &Lines, body: Option<&[u8]>) -> (i32, RequestState) {
        let (context, go_on) = self.head(head, body.is_none());
        // Envoy delivers no body to a filter that stopped all iteration.
        let waits = self.state().status == STOP_ITERATION && !self.state().replies.contains_key(&context);
        assert!(!waits || self.state().call.is_none(), "a body arrives before the request goes on");
        for (piece, last) in body.filter(|_| waits).map(pieces).into_iter().flatten() {
            assert!(!self.piece(context, &piece, last), "a body that is awaited must not go on");
            if self.state().replies.contains_key(&context) {
                break;
            }
        }
        (context, self.request_state(context, go_on))
    }

    /// Delivers the head of a request. Returns its context, and whether the module let it continue.
    pub fn head(&mut self, head: &Lines, ended: bool) -> (i32, bool) {
        let context = self.next_context;
        self.next_context += 1;
        let state = self.state();
        state.request.clone_from(head);
        state.body.clear();
        state.resumed = false;
        state.call = None;
        let root = self.root;
        self.create_context(context, root);
        let count = head.len().try_into().unwrap();
        let status = self.invoke("proxy_on_request_headers", &[context, count, ended.into()]);
        assert!(matches!(status, CONTINUE | STOP_ITERATION | STOP_ALL_ITERATION_AND_WATERMARK));
        self.state().status = status;
        (context, status == CONTINUE)
    }

    /// Delivers a piece of a request body. The host keeps the pieces of a paused request. Returns
    /// whether the module let it continue.
    pub fn piece(&mut self, context: i32, piece: &[u8], last: bool) -> bool {
        self.state().body.extend_from_slice(piece);
        let size = self.state().body.len().try_into().unwrap();
        self.invoke("proxy_on_request_body", &[context, size, last.into()]) == CONTINUE
    }

    /// Delivers the trailers of a request. Returns the filter's answer, if there is one.
    pub fn trailers(&mut self, context: i32) -> Option<Reply> {
        assert_ne!(self.invoke("proxy_on_request_trailers", &[context, 1]), CONTINUE);
        self.state().replies.remove(&context)
    }

    /// Takes the filter's answer, if there is one.
    pub fn take_reply(&mut self) -> Option<Reply> {
        self.state().replies.pop_first().map(|(_, reply)| reply)
    }

    /// Ends the call that `context` waits for. No answer is a failure.
    pub fn answer(&mut self, context: i32, call: &Call, answer: Option<(Lines, Vec<u8>)>) -> RequestState {
        self.deliver(call, answer);
        self.request_state(context, false)
    }

    /// Ends a call after its request is gone. Returns whether the module reacted.
    pub fn answer_late(&mut self, call: &Call, answer: Option<(Lines, Vec<u8>)>) -> bool {
        self.deliver(call, answer);
        let state = self.state();
        state.resumed || !state.replies.is_empty() || state.call.is_some()
    }

    fn deliver(&mut self, call: &Call, answer: Option<(Lines, Vec<u8>)>) {
        let state = self.state();
        state.call = None;
        state.answer = answer.unwrap_or_default();
        let (lines, body) = (state.answer.0.len(), state.answer.1.len());
        self.invoke(
            "proxy_on_http_call_response",
            &[self.root, call.token, lines.try_into().unwrap(), body.try_into().unwrap(), 0],
        );
    }

    /// Delivers body and trailers of a request. Returns whether each may continue.
    pub fn body_goes_on(&mut self, context: i32) -> (bool, bool) {
        let body = self.invoke("proxy_on_request_body", &[context, 5, 0]) == CONTINUE;
        (body, self.invoke("proxy_on_request_trailers", &[context, 1]) == CONTINUE)
    }

    fn request_state(&mut self, context: i32, go_on: bool) -> RequestState {
        let state = self.state();
        if let Some(reply) = state.replies.remove(&context) {
            assert!(!go_on && !state.resumed, "a request that was answered must not go on");
            assert_eq!(self.body_goes_on(context), (false, false), "a body has to stay where its head stayed");
            // Envoy calls the response callbacks for the filter's own answer, too.
            self.state().response = vec![(":status".to_owned(), reply.status.to_string().into_bytes())];
            assert_eq!(self.invoke("proxy_on_response_headers", &[context, 1, 1]), CONTINUE);
            assert_eq!(self.state().response.len(), 1, "the filter's own answer must stay as it is");
            self.end(context);
            return RequestState::Replied(reply);
        }
        if go_on || state.resumed {
            let lines = state.request.clone();
            assert_eq!(self.body_goes_on(context), (true, true), "a body has to follow its head");
            assert!(self.state().call.is_none(), "a call that ends with the stream");
            if self.refreshes() {
                return RequestState::Beside(lines);
            }
            assert_eq!(self.upstream_answers(context), CONTINUE);
            let reply = self.take_answer();
            self.end(context);
            return RequestState::Forwarded(lines, reply);
        }
        let call = state.call.clone();
        assert!(call.is_some() || self.refreshes(), "the request is paused, and nothing will ever wake it");
        let has_body = !self.state().body.is_empty();
        assert!(has_body || self.state().status == STOP_ALL_ITERATION_AND_WATERMARK, "a body would be buffered");
        call.map_or(RequestState::Awaits, RequestState::Waits)
    }

    /// Whether the module asked for early ticks, because it has calls to make or streams wait.
    pub fn refreshes(&mut self) -> bool {
        self.state().tick_period.is_some_and(|period| period < USUAL_PERIOD)
    }

    /// The state of a request that waits, after a tick or the end of a call.
    pub fn look(&mut self, context: i32) -> RequestState {
        self.request_state(context, false)
    }

    /// Ends the refresh beside a request, and returns the client's answer. The upstream answers
    /// before the tick, before the end of the calls, or after it.
    pub fn beside(
        &mut self,
        context: i32,
        answer: impl Fn(&Call) -> Option<(Lines, Vec<u8>)>,
        upstream: UpstreamAnswers,
    ) -> Reply {
        self.state().resumed = false;
        let mut held = false;
        if upstream == UpstreamAnswers::BeforeTick {
            held = self.upstream_answers(context) != CONTINUE;
        }
        let mut calls = self.tick();
        if upstream == UpstreamAnswers::BeforeCalls {
            held = self.upstream_answers(context) != CONTINUE;
        }
        while let Some(call) = calls.pop() {
            assert!(!self.state().resumed, "the answer goes on before the last call has ended");
            calls = self.answer_root(&call, answer(&call));
        }
        assert_eq!(self.state().resumed, held, "the answer stands, or there is nothing to resume");
        if upstream == UpstreamAnswers::AfterCalls {
            assert_eq!(self.upstream_answers(context), CONTINUE);
        }
        assert!(self.state().replies.is_empty());
        let reply = self.take_answer();
        self.end(context);
        reply
    }

    /// Delivers the head of the upstream's answer. Returns whether it may continue.
    pub fn upstream_answers(&mut self, context: i32) -> i32 {
        let status = (":status".to_owned(), b"200".to_vec());
        let headers = UPSTREAM_HEADERS.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        self.state().response = [status].into_iter().chain(headers).collect();
        let status = self.invoke("proxy_on_response_headers", &[context, 4, 0]);
        assert!(matches!(status, CONTINUE | STOP_ALL_ITERATION_AND_WATERMARK), "a body would be buffered");
        status
    }

    fn take_answer(&mut self) -> Reply {
        let headers = std::mem::take(&mut self.state().response).into_iter().skip(1);
        let headers = headers.map(|(name, value)| (name, String::from_utf8(value).unwrap())).collect();
        Reply { status: 200, headers, body: "the page".to_owned() }
    }

    /// Calls `proxy_on_tick`. Returns the calls that the module makes.
    pub fn tick(&mut self) -> Vec<Call> {
        assert!(self.state().tick_period.is_some(), "the module asked for no ticks");
        self.state().root_calls = Some(Vec::new());
        let root = self.root;
        self.invoke("proxy_on_tick", &[root]);
        self.state().root_calls.take().unwrap()
    }

    /// Ends a call of the root context. Returns the calls that the module makes next.
    pub fn answer_root(&mut self, call: &Call, answer: Option<(Lines, Vec<u8>)>) -> Vec<Call> {
        self.state().root_calls = Some(Vec::new());
        self.deliver(call, answer);
        self.state().root_calls.take().unwrap()
    }

    /// Ends the stream.
    pub fn end(&mut self, context: i32) {
        self.invoke("proxy_on_delete", &[context]);
        self.state().contexts.remove(&context);
    }

    /// Calls an export. A trap fails the test.
    fn invoke(&mut self, name: &str, arguments: &[i32]) -> i32 {
        let function = self.instance.get_func(&self.store, name).unwrap_or_else(|| panic!("no export {name}"));
        if let Some(&context) = arguments.first() {
            self.state().context = context;
        }
        let arguments: Vec<Val> = arguments.iter().map(|&argument| Val::I32(argument)).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        if let Err(trap) = function.call(&mut self.store, &arguments, &mut results) {
            panic!("trap in {name}: {trap}\n{:?}", self.store.data().log);
        }
        results.first().map_or(0, |result| i32::try_from(integer(result)).unwrap())
    }
}

/// The module that `./build.sh wasm` builds.
pub fn module_bytes() -> Vec<u8> {
    let path = module_path();
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; ./build.sh wasm makes it", path.display()))
}

/// The size of the stack, which rustc chooses, in bytes.
const STACK: usize = 1024 * 1024;

/// The path of the module.
pub fn module_path() -> PathBuf {
    std::env::var_os("TENANTGATE_WASM")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tenantgate.wasm"), PathBuf::from)
}

/// A body in two pieces and an empty last one, or in one piece if it is short.
fn pieces(body: &[u8]) -> Vec<(Vec<u8>, bool)> {
    let (first, rest) = body.split_at(body.len() / 2);
    if first.is_empty() {
        return vec![(body.to_vec(), true)];
    }
    vec![(first.to_vec(), false), (rest.to_vec(), false), (Vec::new(), true)]
}

fn integer(value: &Val) -> i64 {
    match value {
        Val::I32(value) => i64::from(*value),
        Val::I64(value) => *value,
        other => panic!("{other:?} in an ABI of integers"),
    }
}

/// The host functions that the module may use.
fn provide(caller: &mut Caller<'_, State>, name: &str, arguments: &[i64]) -> Result<i32, Error> {
    let at = |index: usize| usize::try_from(arguments[index]).unwrap_or(usize::MAX);
    let number = |index: usize| i32::try_from(arguments[index]).unwrap();
    match name {
        "proxy_log" => {
            let line = text(caller, at(1), at(2));
            caller.data_mut().log.push((number(0), line));
        }
        "proxy_get_log_level" => {
            let Some(level) = caller.data().log_level else { return Ok(UNIMPLEMENTED) };
            write(caller, at(0), &level.to_le_bytes());
        }
        "proxy_get_current_time_nanoseconds" => {
            let now = caller.data().clock.now() * 1_000_000_000;
            write(caller, at(0), &now.to_le_bytes());
        }
        "proxy_get_buffer_bytes" => {
            let buffer = match number(0) {
                PLUGIN_CONFIGURATION => caller.data().configuration.clone(),
                REQUEST_BODY => caller.data().body.clone(),
                CALL_BODY => caller.data().answer.1.clone(),
                _ => return Ok(BAD_ARGUMENT),
            };
            let start = at(1).min(buffer.len());
            let end = start.saturating_add(at(2) & 0xffff_ffff).min(buffer.len());
            give(caller, &buffer[start..end], at(3), at(4))?;
        }
        "proxy_get_header_map_pairs" => {
            let lines = match number(0) {
                REQUEST_HEADERS => caller.data().request.clone(),
                REQUEST_TRAILERS => caller.data().trailers.clone(),
                CALL_HEADERS => caller.data().answer.0.clone(),
                _ => return Ok(BAD_ARGUMENT),
            };
            give(caller, &serialize(&lines), at(1), at(2))?;
        }
        "proxy_replace_header_map_value" => {
            let (name, value) = (text(caller, at(1), at(2)), bytes(caller, at(3), at(4)));
            let state = caller.data_mut();
            let lines = match number(0) {
                REQUEST_HEADERS => &mut state.request,
                RESPONSE_HEADERS => &mut state.response,
                other => panic!("map {other} is not to be changed"),
            };
            match lines.iter_mut().find(|(n, _)| *n == name) {
                Some((_, old)) => *old = value,
                None => lines.push((name, value)),
            }
        }
        "proxy_add_header_map_value" => {
            let line = (text(caller, at(1), at(2)), bytes(caller, at(3), at(4)));
            let state = caller.data_mut();
            match number(0) {
                REQUEST_HEADERS => state.request.push(line),
                RESPONSE_HEADERS => state.response.push(line),
                other => panic!("nothing is to be added to map {other}"),
            }
        }
        "proxy_get_property" => {
            assert_eq!(text(caller, at(0), at(1)), "source\0address", "no other property is needed");
            assert_ne!(caller.data().context, caller.data().root, "the root context has no client");
            caller.data_mut().client_asked += 1;
            let Some(client) = caller.data().client() else { return Ok(NOT_FOUND) };
            give(caller, client.as_bytes(), at(2), at(3))?;
        }
        "proxy_set_property" => {
            let property = (text(caller, at(0), at(1)), text(caller, at(2), at(3)));
            caller.data_mut().properties.push(property);
        }
        "proxy_remove_header_map_value" => {
            let name = text(caller, at(1), at(2));
            let state = caller.data_mut();
            match number(0) {
                REQUEST_HEADERS => state.request.retain(|(n, _)| *n != name),
                REQUEST_TRAILERS => state.trailers.retain(|(n, _)| *n != name),
                RESPONSE_HEADERS => state.response.retain(|(n, _)| *n != name),
                other => panic!("nothing is to be removed from map {other}"),
            }
        }
        "proxy_define_metric" => {
            let name = text(caller, at(1), at(2));
            let metrics = &mut caller.data_mut().metrics;
            metrics.push(name);
            let id = u32::try_from(metrics.len() - 1).unwrap();
            write(caller, at(3), &id.to_le_bytes());
        }
        "proxy_increment_metric" => {
            let state = caller.data_mut();
            let name = state.metrics[at(0)].clone();
            *state.counters.entry(name).or_default() += arguments[1];
        }
        "proxy_http_call" => {
            let left = caller.data().refuse_calls_after.get();
            if caller.data().refuse_calls || left == Some(0) {
                return Ok(BAD_ARGUMENT);
            }
            caller.data().refuse_calls_after.set(left.map(|left| left - 1));
            let token = caller.data().next_token;
            let call = Call {
                cluster: text(caller, at(0), at(1)),
                head: deserialize(&bytes(caller, at(2), at(3))),
                body: bytes(caller, at(4), at(5)),
                timeout_ms: number(8),
                token,
            };
            let state = caller.data_mut();
            state.next_token += 1;
            match &mut state.root_calls {
                Some(calls) if state.context == state.root => calls.push(call),
                // A stream that goes on after a wait makes a call of its own.
                Some(_) | None => assert!(state.call.replace(call).is_none(), "a second call"),
            }
            write(caller, at(9), &token.to_le_bytes());
        }
        "proxy_send_local_response" => {
            let body = text(caller, at(3), at(4));
            let headers = deserialize(&bytes(caller, at(5), at(6)));
            let headers = headers.into_iter().map(|(name, value)| (name, String::from_utf8(value).unwrap())).collect();
            let reply = Reply { status: u16::try_from(number(0)).unwrap(), headers, body };
            let context = caller.data().context;
            assert_ne!(context, caller.data().root, "the root context is no stream");
            assert!(caller.data_mut().replies.insert(context, reply).is_none(), "a second answer");
        }
        "proxy_record_metric" => {
            let state = caller.data_mut();
            let name = state.metrics[at(0)].clone();
            state.counters.insert(name, arguments[1]);
        }
        "proxy_call_foreign_function" => {
            if !caller.data().cryptography {
                return Ok(NOT_FOUND);
            }
            let arguments = bytes(caller, at(2), at(3));
            let answer = match text(caller, at(0), at(1)).as_str() {
                "verify_signature" => vec![8, u8::from(verify_signature(&arguments))],
                "sign" => sign(&arguments),
                other => panic!("{other}"),
            };
            give(caller, &answer, at(4), at(5))?;
        }
        "proxy_get_shared_data" => {
            let key = text(caller, at(0), at(1));
            let Some((value, Version(version))) = caller.data().shared.get(&key) else { return Ok(NOT_FOUND) };
            give(caller, &value, at(2), at(3))?;
            write(caller, at(4), &version.to_le_bytes());
        }
        "proxy_set_shared_data" => {
            let (key, value) = (text(caller, at(0), at(1)), bytes(caller, at(2), at(3)));
            let version = u32::try_from(arguments[4]).ok().filter(|&version| version != 0).map(Version);
            if caller.data().shared.set(&key, &value, version).is_err() {
                return Ok(CAS_MISMATCH);
            }
        }
        "proxy_set_tick_period_milliseconds" => caller.data_mut().tick_period = Some(number(0)),
        "proxy_continue_stream" => {
            assert_ne!(caller.data().context, caller.data().root, "the root context is no stream");
            caller.data_mut().resumed = true;
        }
        "proxy_set_effective_context" => {
            if !caller.data().contexts.contains(&number(0)) {
                return Ok(BAD_ARGUMENT);
            }
            caller.data_mut().context = number(0);
        }
        "random_get" => {
            if caller.data().refuse_random {
                return Ok(ERRNO_IO);
            }
            let mut random = vec![0; at(1)];
            getrandom::fill(&mut random).unwrap();
            write(caller, at(0), &random);
        }
        "environ_sizes_get" => {
            let block = environment_block(caller.data());
            let count = u32::try_from(block.len()).unwrap();
            let size = u32::try_from(block.iter().map(Vec::len).sum::<usize>()).unwrap();
            write(caller, at(0), &count.to_le_bytes());
            write(caller, at(1), &size.to_le_bytes());
        }
        "environ_get" => {
            let (mut pointer, mut place) = (at(0), at(1));
            for variable in environment_block(caller.data()) {
                write(caller, pointer, &u32::try_from(place).unwrap().to_le_bytes());
                write(caller, place, &variable);
                pointer += 4;
                place += variable.len();
            }
        }
        // The SDK imports other functions of the ABI; the module must not call them.
        other => return Err(Error::new(format!("the module used {other}"))),
    }
    Ok(OK)
}

/// Envoy's foreign function `verify_signature`, with its protobuf message.
fn verify_signature(message: &[u8]) -> bool {
    let [_, hash, public_key, signature, text] = fields(message);
    RealCrypto.verify_signature(hash_of(hash), public_key, signature, text).unwrap()
}

/// Envoy's foreign function `sign`, with its protobuf message.
fn sign(message: &[u8]) -> Vec<u8> {
    let [_, hash, private_key, text, _] = fields(message);
    let Some(signature) = RealCrypto.sign(hash_of(hash), private_key, text) else { return vec![8, 0] };
    let length = u8::try_from(signature.len() & 0x7f).unwrap() | 0x80;
    [&[8, 1, 18, length, u8::try_from(signature.len() >> 7).unwrap()][..], &signature].concat()
}

/// The length-delimited fields of a protobuf message, by number.
fn fields(message: &[u8]) -> [&[u8]; 5] {
    let mut fields: [&[u8]; 5] = [b""; 5];
    let mut rest = message;
    while let [tag, more @ ..] = rest {
        let (length, more) = varint(more);
        fields[usize::from(tag >> 3)] = &more[..length];
        rest = &more[length..];
    }
    fields
}

fn hash_of(name: &[u8]) -> Hash {
    match name {
        b"sha256" => Hash::Sha256,
        b"sha384" => Hash::Sha384,
        b"sha512" => Hash::Sha512,
        other => panic!("{}", other.escape_ascii()),
    }
}

fn varint(bytes: &[u8]) -> (usize, &[u8]) {
    let end = bytes.iter().position(|&byte| byte < 0x80).unwrap() + 1;
    let number = bytes[..end].iter().rev().fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f));
    (number, &bytes[end..])
}

/// `errno::io` of WASI.
const ERRNO_IO: i32 = 29;

fn environment_block(state: &State) -> Vec<Vec<u8>> {
    state.environment.iter().map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect()
}

fn memory(caller: &Caller<'_, State>) -> wasmi::Memory {
    caller.get_export("memory").and_then(Extern::into_memory).unwrap()
}

fn bytes(caller: &Caller<'_, State>, start: usize, length: usize) -> Vec<u8> {
    memory(caller).data(caller)[start..start + length].to_vec()
}

fn text(caller: &Caller<'_, State>, start: usize, length: usize) -> String {
    String::from_utf8(bytes(caller, start, length)).unwrap()
}

fn write(caller: &mut Caller<'_, State>, start: usize, bytes: &[u8]) {
    let memory = memory(caller);
    memory.write(caller.as_context_mut(), start, bytes).unwrap();
}

/// Copies bytes into memory that the module allocates.
fn give(caller: &mut Caller<'_, State>, bytes: &[u8], pointer_at: usize, size_at: usize) -> Result<(), Error> {
    let allocate = caller.get_export("proxy_on_memory_allocate").and_then(Extern::into_func).unwrap();
    let size = i32::try_from(bytes.len()).unwrap();
    let mut place = [Val::I32(0)];
    if size > 0 {
        allocate.call(caller.as_context_mut(), &[Val::I32(size)], &mut place)?;
        let start = usize::try_from(integer(&place[0])).unwrap();
        write(caller, start, bytes);
    }
    write(caller, pointer_at, &i32::try_from(integer(&place[0])).unwrap().to_le_bytes());
    write(caller, size_at, &size.to_le_bytes());
    Ok(())
}

/// A header map in the format of the ABI: count, sizes, then names and values, each with a NUL.
fn serialize(lines: &Lines) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let mut map = u32::try_from(lines.len()).unwrap().to_le_bytes().to_vec();
    for (name, value) in lines {
        map.extend(length(name.as_bytes()));
        map.extend(length(value));
    }
    for (name, value) in lines {
        map.extend([name.as_bytes(), b"\0", value, b"\0"].concat());
    }
    map
}

fn deserialize(map: &[u8]) -> Lines {
    let number = |at: usize| usize::try_from(u32::from_le_bytes(map[at..at + 4].try_into().unwrap())).unwrap();
    let count = number(0);
    let mut start = 4 + count * 8;
    let mut lines = Lines::new();
    for index in 0..count {
        let (name, value) = (number(4 + index * 8), number(8 + index * 8));
        let name_end = start + name;
        let value_end = name_end + 1 + value;
        lines.push((String::from_utf8(map[start..name_end].to_vec()).unwrap(), map[name_end + 1..value_end].to_vec()));
        start = value_end + 1;
    }
    lines
}
