#!/usr/bin/env bash
# Compares word_count.rs with tr, sort and uniq over 100 MB of text, or as many as are given.
#
#     examples/word_count.sh [MEGABYTES]
#
# The text is what this repository has, then the documentation and the sources that this machine has;
# where that is not enough it is repeated. Works in target/word-count. PROFILE=dev builds without
# optimisation.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
megabytes=${1:-100}
profile=${PROFILE:-release}
folder=${CARGO_TARGET_DIR:-target}
program=$folder/${profile/#dev/debug}/examples/word_count
work=$folder/word-count
mkdir -p "$work"

cargo build --quiet --locked --all-features --profile "$profile" --example word_count

# What is compressed is unpacked, and zero bytes are dropped, which are no text to awk.
gather() {
  cat examples/tokenize/data/text/alice.txt
  gzip -cd examples/tokenize/data/text/paradise-lost.txt.gz
  for place in /usr/share/doc /usr/share/man /usr/lib/python3* /usr/share/perl /usr/include; do
    [ -d "$place" ] || continue
    find "$place" -type f -size -8M \
      \( -name '*.txt' -o -name '*.rst' -o -name '*.md' -o -name '*.html' -o -name '*.gz' -o -name '*.[1-8]' \
      -o -name '*.py' -o -name '*.p[lm]' -o -name '*.pod' -o -name '*.h' -o -name 'copyright' \) -print0 |
      sort -z | xargs -0r gzip -cdfq
  done | tr -d '\000'
}

bytes=$((megabytes * 1000000))
if [ ! -e "$work/text" ] || [ "$(wc -c <"$work/text")" -ne "$bytes" ]; then
  # `head` closes the pipe on whoever has more to give, which is no failure.
  { gather 2>/dev/null || true; } | head -c "$bytes" >"$work/gathered"
  { while cat "$work/gathered" 2>/dev/null; do :; done || true; } | head -c "$bytes" >"$work/text"
  echo "text: $bytes bytes, of which $(wc -c <"$work/gathered") are no repetition"
  rm "$work/gathered"
fi

TIMEFORMAT='word_count: %R s (%U s user)'
time "$program" "$work/text" >"$work/ours"
TIMEFORMAT='sort and uniq: %R s (%U s user)'
time tr -s '[:space:]' '\n' <"$work/text" | sed '/^$/d' | sort | uniq -c | awk '{print $1, $2}' >"$work/theirs"

(cd "$work" && sha256sum ours theirs)
diff "$work/ours" "$work/theirs" >"$work/difference" || {
  head "$work/difference"
  echo 'not the same'
  exit 1
}
awk '{words += $1} END {printf "the same: %d words, %d distinct\n", words, NR}' "$work/ours"
