#!/bin/sh
# Asks a running "drg serve" with curl (7.76 or later); prints the answers as they come.
#
#     sh curl.sh http://127.0.0.1:8765 case.json claims.csv grouped.csv
set -eu
base=$1 claim=$(cat "$2") claims=$3 grouped=$4

answer=$(mktemp)
trap 'rm -f "$answer" "$grouped.part"' EXIT

# No proxy sees a claim. A busy service (503) and one that is not up yet are asked again, after the
# time it names. The answer goes to a file first: what a busy service said would stand before it.
ask() {
    curl --silent --show-error --noproxy '*' --fail-with-body --retry 3 --retry-connrefused "$@"
}

# An error ends this with exit code 22, and with the service's JSON shown.
post() {
    failed=0
    ask --max-time 10 -H 'Content-Type: application/json; charset=utf-8' --data-binary @- \
        --output "$answer" "$base$1" || failed=$?
    cat "$answer"
    echo
    return $failed
}

printf '{"scheme": "haerbin-2022", "claim": %s}' "$claim" | post /group
printf '{"scheme": "haerbin-2022", "policy": "demo-2024", "claim": %s}' "$claim" | post /explain

# A file: to another name first, for a connection that breaks (exit code 18) leaves half of it.
ask --max-time 600 -H 'Content-Type: application/octet-stream' --request POST \
    --upload-file "$claims" --output "$grouped.part" \
    "$base/batch?name=claims.csv&scheme=haerbin-2022&format=csv"
mv "$grouped.part" "$grouped"
