#!/usr/bin/env bash
# Fuzzes one target for some seconds, from our own fixtures: fuzz/run.sh openai-chat 600, fuzz/run.sh sse 600.
# Needs cargo-fuzz; without a nightly toolchain the stable one is told to allow what fuzzing needs.
set -euo pipefail
cd "$(dirname "$0")"
name=$1 seconds=${2:-600}
corpus=corpus/$name
mkdir -p "$corpus"
fixtures=../tests/fixtures/$name
[[ -d $fixtures ]] || fixtures=../tests/fixtures/openai-chat
for file in "$fixtures"/*.{sse,json,ndjson,grpc}; do
  [[ -f $file && $file != *.messages.json ]] || continue
  # How it is cut, and the head of its response.
  for start in '\007\000' '\001\002' '\003\014'; do
    { printf "$start"; cat "$file"; } >"$corpus/$(basename "$file").${start//\\/}"
  done
done
target=decoder
[[ $name == sse ]] && target=sse
toolchain=()
if rustup toolchain list 2>/dev/null | grep -q nightly; then toolchain=(+nightly); else export RUSTC_BOOTSTRAP=1; fi
TOKENSCOPE_DIALECT=$name cargo "${toolchain[@]}" fuzz run --fuzz-dir . "$target" "$corpus" -- \
  -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1
