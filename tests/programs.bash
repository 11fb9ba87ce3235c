# For BATS files about programs of others that measure (--exec), which `load programs`.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    mkdir tmp
    export TMPDIR=$BATS_TEST_TMPDIR/tmp LOG=$BATS_TEST_TMPDIR/log
}

teardown() {
    all_gone tmp # no model stays behind
}

all_gone() { # DIRECTORY: what is in it goes, if the one who removes it needs a moment
    for _ in $(seq 200); do
        [ -n "$(ls "$BATS_TEST_TMPDIR/$1")" ] || return 0
        sleep 0.05
    done
    ls -R "$BATS_TEST_TMPDIR/$1"
    return 1
}

is_gone() { # PID: it has ended, though its new parent may not have looked yet
    local state
    for _ in $(seq 100); do
        state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 0
        [ "$state" != Z ] || return 0
        sleep 0.05
    done
    return 1
}

errors() { # METRIC FILE: why each record has no number, empty for those that have
    ds-show --json "$2" | python3 -c 'import json, sys
metric = sys.argv[1]
for line in sys.stdin:
    r = json.loads(line)
    print(r.get("errors", {}).get(metric, ""))
    assert (metric in r["metrics"]) != ("errors" in r), r' "$1"
}
