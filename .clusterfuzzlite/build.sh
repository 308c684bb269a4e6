#!/bin/bash -eu
# Builds the fuzz targets for ClusterFuzzLite, with the address sanitizer, which needs the nightly
# compiler of the image and not that of rust-toolchain.toml.
cd "$SRC/tenantgate"
export RUSTUP_TOOLCHAIN=nightly
# The assertions are those of the profile in fuzz/Cargo.toml.
cargo fuzz build -O
for target in fuzz/fuzz_targets/*.rs; do
  name=$(basename -s .rs "$target")
  cp "fuzz/target/x86_64-unknown-linux-gnu/release/$name" "$OUT/"
  cp fuzz/dictionary "$OUT/$name.dict"
  zip --quiet --junk-paths "$OUT/${name}_seed_corpus.zip" "fuzz/corpus/$name"/*
done
