bats_require_minimum_version 1.5.0

# pipelines/campaign: nothing is lost, nothing is there twice, whatever is killed, full or cut.

FILTER='ds-affix -q --depth 0,2 --depth 0,3 | ds-measure-cost -q'

setup_file() {
    [ -z "${SANITIZE:-}" ] || return 0
    cd "$BATS_FILE_TMPDIR" || exit 1
    ln -s "$BATS_TEST_DIRNAME/../pipelines/campaign" campaign
    # ssh as these tests have it: hosts that are up, dead, or break the connection half way
    cat >ssh <<'END'
#!/bin/bash
while [ "$1" = -o ]; do shift 2; done
echo "$1" >>"$(dirname "$0")/asked"
case $1 in
dead) exit 255 ;;
breaks) bash -c "$2" | head -c 30000; exit 255 ;;
elsewhere) exit 127 ;;
esac
HOST=$1 exec bash -c "$2"
END
    chmod +x ssh
    ds-sample -q ofa-mbv3 -n 500 --seed 3 | bash -c "$FILTER" | ds-show -t -c id,base,macs >want
    export T=$BATS_FILE_TMPDIR
}

setup() {
    [ -z "${SANITIZE:-}" ] || skip "composes tools that other tests try"
    cd "$BATS_TEST_TMPDIR" || exit 1
}

begin() { # DIR [OPTION ...]: a campaign of 500 architectures
    "$T/campaign" -n 500 --seed 3 --shards "${SHARDS:-4}" "${@:2}" "$1" ofa-mbv3 "$FILTER"
}

# Whether the campaign in DIR has all that one job gives, once and in order.
is_whole() {
    "$T/campaign" --merge "$1" | ds-show -t -c id,base,macs | cmp - "$T/want"
}

@test "the bytes are the same for 1, 2 and 7 jobs, and the records those of one pipeline" {
    export SHARDS=7
    for jobs in 1 2 7; do
        run -0 begin d$jobs --jobs $jobs
        [ "$output" = "done     7 of 7 shards" ]
        "$T/campaign" --merge d$jobs >$jobs.dss
    done
    cmp 1.dss 2.dss
    cmp 1.dss 7.dss
    is_whole d7
    ls d7/shards >names
    [ "$(wc -l <names)" -eq 7 ]
    [ -z "$(find d7/work -name '*.dss*')" ]
}

@test "started again it does what is missing, and only that" {
    begin d --jobs 2
    rm d/shards/1.dss d/shards/3.dss
    run -1 "$T/campaign" --merge d
    [ "$output" = "campaign: not complete: shards 1 3 are missing" ]
    run -1 "$T/campaign" --status d
    [ "$output" = "done     2 of 4 shards" ]
    stat -c %Y%i d/shards/[24].dss >before
    run -0 "$T/campaign" d
    stat -c %Y%i d/shards/[24].dss | cmp - before
    is_whole d
    run -0 begin d # the same again
    run -0 "$T/campaign" --status d
}

@test "other settings are refused, and what is no campaign" {
    begin d
    run -1 begin d --seed 4
    [[ "$output" == *"campaign: d holds another campaign: take another directory" ]]
    run -2 "$T/campaign" --seed 3 d
    [ "$output" = "campaign: d is begun: its settings cannot be changed" ]
    run -1 "$T/campaign" none
    [ "$output" = "campaign: none holds no campaign" ]
    run -1 "$T/campaign" -n 3 e no-such-space cat
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == *"no 'no-such-space' among the spaces"* ]]
    run -2 "$T/campaign" e ofa-mbv3 cat
    run -2 "$T/campaign" -n 3x e ofa-mbv3 cat
    is_whole d
}

@test "a shard that cannot be done: which, where and why" {
    # shellcheck disable=SC2016
    run -1 "$T/campaign" -n 30 --shards 3 --tries 2 --jobs 2 e ofa-mbv3 'if [ {shard} = 2 ]; then echo no luck >&2; exit 3; fi; cat'
    [ "${lines[0]}" = "done     2 of 3 shards" ]
    [ "${lines[1]}" = "failed   1" ]
    [ "${lines[2]}" = "  2  here: no luck" ]
    grep -q 'no luck' e/work/2.log
    run -1 "$T/campaign" --merge e
    # of what the tools say: not that what came from the one that failed was cut off
    run -1 "$T/campaign" -n 3 --shards 1 --tries 1 f ofa-mbv3 'ds-affix -q --depth 7,2 | ds-measure-cost'
    [ "${lines[2]}" = "  1  here: ds-affix: --depth: space ofa-mbv3 has no unit7.depth" ]
}

# Starts a campaign in a session of its own, kills two processes of one kind, and waits for its end.
killer='
import os, subprocess, sys, time
kind, command = sys.argv[1], sys.argv[2:]
kinds = {
    "remote shell": lambda name, args: args.startswith("bash -o pipefail"),
    "shard": lambda name, args: name == "bash" and "campaign" in args and " --shard " in args,
    "campaign": lambda name, args: name == "bash" and "/campaign -n " in args,
}
is_victim = kinds.get(kind, lambda name, args: name == kind)
top = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
def session():
    out = subprocess.run(["ps", "-s", str(top.pid), "-o", "pid=,comm=,args="], stdout=subprocess.PIPE, text=True)
    return [line.split(None, 2) for line in out.stdout.splitlines()]
killed = 0
while top.poll() is None and killed < 2:
    for pid, name, args in session():
        if is_victim(name, args):
            try:
                os.kill(int(pid), 9)
                killed += 1
            except ProcessLookupError:
                continue  # it was quicker
            break
    time.sleep(0.02 if killed == 0 else 0.3)
top.wait()
left = session()
while left:  # orphans end what they do
    for pid, name, args in left:
        if args == "sleep 10101":  # by which a parallel that was killed wanted to count processes
            os.kill(int(pid), 9)
    time.sleep(0.05)
    left = session()
assert killed, "nothing was killed"
'

@test "kill -9 of any process of it: nothing lost, nothing twice, after another start at most" {
    for victim in sleep ds-cat "remote shell" shard parallel campaign; do
        # on a loaded machine a victim may be gone before it is found
        for pause in 0.2 2 10; do
            rm -rf d
            slow="{ sleep $pause; cat; } | $FILTER | { sleep $pause; cat; }"
            start=("$T/campaign" -n 500 --seed 3 --shards 4 --jobs 2 --tries 4 d ofa-mbv3 "$slow")
            killed=false
            python3 -c "$killer" "$victim" "${start[@]}" && killed=true && break
        done
        $killed || { echo "$victim"; return 1; }
        case $victim in
        parallel | campaign | shard) ;; # the rest of the shards are for the next start
        *) is_whole d || { echo "$victim"; return 1; } ;; # tried again at once
        esac
        run -0 "${start[@]}"
        [ "$(cut -f1 d/work/log | sort | uniq -d)" = "" ]
        is_whole d || { echo "$victim"; return 1; }
        [ -z "$(find d/shards d/work -name '*.part.*')" ]
    done
}

@test "a tool that is killed in the middle of what it writes, twice" {
    mkdir bin
    for tool in ds-sample ds-affix ds-measure-cost; do
        cat >bin/$tool <<END
#!/bin/bash
case " \$* " in *" -n 0 "*) exec $BUILD/$tool "\$@" ;; esac # a look at the space
if mkdir $PWD/killed.$tool.1 2>/dev/null || mkdir $PWD/killed.$tool.2 2>/dev/null; then
    $BUILD/$tool "\$@" | head -c \$((5000 + RANDOM))
    kill -9 \$\$
fi
exec $BUILD/$tool "\$@"
END
        chmod +x bin/$tool
        rm -rf d
        PATH=$PWD/bin:$PATH run -0 begin d --jobs 2
        [ -d killed.$tool.2 ]
        is_whole d
        rm bin/$tool
    done
}

@test "hosts: shards of a dead one, one that breaks the connection, one without dstools are done elsewhere" {
    printf '%s\n' '# hosts' dead 2/alpha breaks elsewhere : >hosts
    rm -f "$T/asked"
    # no shard is done before all were asked, or the quick ones may do them all
    cat >waits <<'END'
#!/bin/bash
for _ in {1..600}; do
    [ "$(sort -u "$1/asked" | grep -cxE 'dead|alpha|breaks')" -lt 3 ] || break
    sleep 0.05
done
exec cat
END
    chmod +x waits
    local FILTER="$PWD/waits $T | $FILTER"
    run -0 begin d --sshloginfile hosts --ssh "$T/ssh"
    is_whole d
    for host in dead alpha breaks; do grep -qx $host "$T/asked"; done
    [ -z "$(cut -f2 d/work/log | grep -E 'dead|breaks|elsewhere')" ]
    [ "$(cut -f1 d/work/log | sort | uniq -d)" = "" ]
}

@test "all hosts dead: said of every shard; once they are back it goes on" {
    printf '%s\n' dead >hosts
    run -1 begin d --sshloginfile hosts --ssh "$T/ssh" --shards 2 --tries 1
    [ "${lines[0]}" = "done     0 of 2 shards" ]
    [ "${lines[1]}" = "failed   2" ]
    [[ "${lines[2]}" == "  1  dead: "* ]]
    run -0 "$T/campaign" d
    is_whole d
}

@test "a space of one's own goes to the hosts" {
    sed -e 's/"ofa-mbv3"/"mine"/' "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >mine.json
    echo alpha >hosts
    run -0 "$T/campaign" -n 20 --shards 2 --sshloginfile hosts --ssh "$T/ssh" d ./mine.json ds-measure-cost
    rm mine.json
    run -0 "$T/campaign" d
    "$T/campaign" --merge d | ds-show --heads | grep -q 'space mine'
    [ "$("$T/campaign" --merge d | ds-show -t -c macs | wc -l)" -eq 21 ]
}

@test "cores: each job has its own, and two campaigns are never on one" {
    export XDG_RUNTIME_DIR=$PWD
    cat >measure <<'END'
#!/bin/bash
( flock -n 7 || { echo "two on core $1" >>"$2"; } ; sleep 0.3; cat ) 7>"core.$1"
END
    chmod +x measure
    printf '%s\n' 2/alpha >hosts
    for d in a b; do
        "$T/campaign" -n 60 --shards 4 --sshloginfile hosts --ssh "$T/ssh" --cores 2 $d ofa-mbv3 \
            "cd $PWD && ./measure {pin} {host}.twice" &
    done
    wait
    [ ! -e alpha.twice ]
    ls core.* >cores
    [ "$(tr '\n' ' ' <cores)" = "core.0,1 core.2,3 " ]
    run -0 "$T/campaign" --status a
    run -0 "$T/campaign" --status b
}

@test "two campaigns started on one directory share the work" {
    for i in 1 2 3; do begin d --jobs 2 2>said.$i & done
    wait
    cat said.*
    [ "$(sort -u said.*)" = "done     4 of 4 shards" ]
    is_whole d
    [ "$(wc -l <d/work/log)" -eq 4 ]
}

@test "--status while it runs" {
    "$T/campaign" -n 40 --shards 4 --jobs 2 d ofa-mbv3 'while [ {shard} -gt 1 ] && [ ! -e go ]; do sleep 0.1; done; cat' 2>/dev/null &
    cd "$BATS_TEST_TMPDIR"
    until [ -e d/shards/1.dss ]; do sleep 0.1; done
    until run "$T/campaign" --status d && [ "${lines[1]}" = "running  2" ]; do sleep 0.1; done
    [ "${lines[0]}" = "done     1 of 4 shards" ]
    [[ "${lines[2]}" == "left     about "*" s" ]]
    touch d/go
    wait
    run -0 "$T/campaign" --status d
}

@test "a full disk of the controller: nothing half is taken for whole, and it goes on where there is room" {
    mkdir d && mount -t tmpfs -o size=100k none d 2>/dev/null || skip "no mount here"
    run begin d --jobs 2 --tries 1
    done=$status full=$output
    mount -o remount,size=10m d && run "$T/campaign" d
    again=$status
    is_whole d && whole=yes
    mount -o remount,ro d && run "$T/campaign" d # complete: nothing to write
    readonly=$status
    umount d
    [ "$done" -eq 1 ] && [[ "$full" == *"done     "[1-3]" of 4 shards"* ]]
    [ "$again" -eq 0 ] && [ "$whole" = yes ]
    [ "$readonly" -eq 0 ]
}

@test "a directory that cannot be written" {
    mkdir d && mount -t tmpfs -o size=100k none d 2>/dev/null || skip "no mount here"
    mount -o remount,ro d
    run begin d
    umount d
    [ "$status" -ne 0 ]
    [[ "$output" == *"Read-only file system"* ]]
}

@test "a Slurm array: the script of it, run dry" {
    run -1 "$T/campaign" --slurm d
    begin d --tries 1 --jobs 1
    rm d/shards/*
    "$T/campaign" --slurm d >array.sh
    grep -qx '#SBATCH --array=1-4' array.sh
    for i in 3 1 2 4; do
        env -C / SLURM_JOB_ID=9 SLURM_ARRAY_TASK_ID=$i bash "$PWD/array.sh"
    done
    is_whole d
}

@test "records with errors fail a shard, unless they are accepted" {
    # shellcheck disable=SC2016
    failing='ds-measure-npu -q --exec sh --arg -c --arg '\''case $1 in *,208) exit 1; esac; echo 5'\'
    run -1 "$T/campaign" -n 12 --shards 2 --tries 1 d ofa-mbv3 "$failing"
    run -0 "$T/campaign" -n 12 --shards 2 --tries 1 --accept-errors e ofa-mbv3 "$failing"
    "$T/campaign" --merge e >e.dss
    [ "$(ds-show -t -c id e.dss | wc -l)" -eq 13 ]
    ds-show --json e.dss | grep -q errors
    # but never what a tool did not finish
    run -1 "$T/campaign" -n 12 --shards 2 --tries 1 --accept-errors f ofa-mbv3 'head -c -18 | ds-measure-cost'
}

@test "partial results: averages of a campaign whose records stay where they are" {
    filter='ds-affix -q --all | ds-measure-cost -q'
    aggregate='ds-aggregate --effect --by unit,block --keep 1000'
    "$T/campaign" -n 20 --shards 4 d ofa-mbv3 "$filter | $aggregate --partial"
    "$T/campaign" --merge d | ds-aggregate --merge | ds-show --json >merged
    ds-sample ofa-mbv3 -n 20 | bash -c "$filter | $aggregate" | ds-show --json >at-once
    cmp merged at-once
    [ "$(wc -l <merged)" -eq 45 ]
}
