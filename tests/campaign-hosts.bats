bats_require_minimum_version 1.5.0

# pipelines/campaign over hosts with an sshd each: cables pulled, sshd killed, a host that is dead.

FILTER='ds-affix -q --depth 0,2 --depth 0,3 | { sleep 0.5; cat; } | ds-measure-cost -q'

setup() {
    # shellcheck source=tests/hosts.bash
    . "$BATS_TEST_DIRNAME/hosts.bash"
    [ -z "${SANITIZE:-}" ] || skip "composes tools that other tests try"
    why=$(no_hosts)
    [ -z "$why" ] || skip "$why"
    cd "$BATS_TEST_TMPDIR" || exit 1
    export HOSTS=$BATS_TEST_DIRNAME/hosts.bash CAMPAIGN=$BATS_TEST_DIRNAME/../pipelines/campaign FILTER
    ds-sample -q ofa-mbv3 -n 240 --seed 3 | bash -c "${FILTER/sleep 0.5; /}" | ds-show -t -c id,base,macs >want
}

# Runs a script with two hosts while a campaign runs over them and one that is not there; then the
# campaign must be whole, if need be after another start.
while_it_runs() { # SCRIPT
    cat >try <<'END'
set -euo pipefail
. "$HOSTS"
hosts_begin 1 2
printf '%s\n' 10.0.3.2 2/10.0.1.2 2/10.0.2.2 >hosts
start=("$CAMPAIGN" --sshloginfile hosts --ssh "$PWD/ssh" --tries 9)
some_shards() { [ "$(find d/shards -name '*.dss' 2>/dev/null | wc -l)" -ge 2 ]; }
runs_on() { pgrep -x --ns "${host_of[$1]}" --nslist net "$2" >/dev/null; }
wait_for() { # COMMAND...: until it is true
    until "$@"; do
        kill -0 "$campaign" || { echo "the campaign ended before: $*"; exit 1; }
        sleep 0.02
    done
}
"${start[@]}" -n 240 --seed 3 --shards 12 d ofa-mbv3 "$FILTER" 2>said &
campaign=$!
wait_for some_shards
. ./script
wait "$campaign" || "${start[@]}" d
END
    cat >script
    in_namespaces bash try </dev/null || { cat said sshd.*.log; return 1; }
    "$CAMPAIGN" --merge d | ds-show -t -c id,base,macs | cmp - want
    [ "$(cut -f1 d/work/log | sort | uniq -d)" = "" ]
    [ "$(wc -l <d/work/log)" -eq 12 ]
    [ -z "$(grep '10\.0\.3\.2' d/work/log)" ]
}

@test "over two hosts and a dead one: a cable is pulled and put back, the sshd of the other is killed" {
    while_it_runs <<'END'
wait_for runs_on 1 ds-measure-cost
cable 1 down
wait_for test -e d/work/down.10.0.1.2
cable 1 up
wait_for runs_on 2 ds-measure-cost
kill_on 2 sshd
wait_for test -e d/work/down.10.0.2.2
sshd_begin 2
END
    grep -q '10\.0\.1\.2' d/work/log
    grep -q '10\.0\.2\.2' d/work/log
}

@test "over two hosts: a tool is killed on one, the remote shells on the other" {
    while_it_runs <<'END'
wait_for kill_on 1 ds-measure-cost
wait_for kill_on 2 bash
END
}
