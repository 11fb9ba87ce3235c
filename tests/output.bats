bats_require_minimum_version 1.5.0

# Where output goes: -o FILE is written aside, and takes its place when it is complete.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ds-sample ofa-mbv3 -n 9000 -q >in.dss # two blocks
}

# No part of a file is left.
no_parts() {
    [ -z "$(find . -name '*.part.*')" ] || { find .; return 1; }
}

@test "a tool may write the file that it reads" {
    ds-measure-cost -q <in.dss >want.dss
    cp in.dss x.dss
    ds-measure-cost -q -o x.dss <x.dss
    cmp x.dss want.dss
    cp in.dss x.dss
    ds-measure-cost -q x.dss -o x.dss
    [ "$(ds-show -t -c macs x.dss | wc -l)" -eq 9001 ]
    cp in.dss x.dss
    ln x.dss linked.dss
    ds-measure-cost -q x.dss -o linked.dss
    cmp x.dss in.dss
    ds-prune ofa-mbv3 --resolution 224 >space.json
    cp space.json want.json
    ds-prune ./space.json --max-depth 0=3 -o space.json
    run -1 cmp space.json want.json
    no_parts
}

@test "a tool that fails leaves the file that was there, and what came before the fault beside it" {
    echo precious >x.dss
    head -c -100 in.dss >cut.dss
    run -1 ds-measure-cost -q cut.dss -o x.dss
    [ "$(<x.dss)" = precious ]
    [[ "${lines[0]}" == *"cut off" ]]
    [[ "${lines[1]}" == "ds-measure-cost: what came before is in x.dss.part."?????? ]]
    [ "$(ds-show -t -c macs "${lines[1]#*is in }" 2>/dev/null | wc -l)" -gt 4000 ]
    run -1 ds-cat "${lines[1]#*is in }" # not for a whole stream
    rm -f x.dss.part.*
    # nothing came before
    run -1 ds-measure-cost x.dss -o x.dss
    [ "$(<x.dss)" = precious ]
    # usage errors that come late
    run -2 ds-affix --block 9,9,none -o x.dss in.dss
    [ "$(<x.dss)" = precious ]
    run -1 ds-export onnx in.dss -o x.dss
    [ "$(<x.dss)" = precious ]
    no_parts
}

@test "a disk that is full on the way: the old file stays" {
    echo precious >x.dss
    run -1 bash -c 'trap "" XFSZ; ulimit -f 100; ds-measure-cost -q in.dss -o x.dss 2>&1'
    [[ "${lines[0]}" == "ds-measure-cost: cannot write: File too large" ]]
    [ "$(<x.dss)" = precious ]
    ds-aggregate --occurring --by unit,block <(ds-measure-cost -q in.dss) >g.dss
    run -1 bash -c 'trap "" XFSZ; ulimit -f 1; ds-export ofa -o x.dss in.dss 2>&1'
    [[ "$output" == *"File too large"* || "$output" == *"cannot write"* ]]
    run -1 bash -c 'trap "" XFSZ; ulimit -f 1; ds-plot heatmap -o x.png g.dss 2>&1'
    [ ! -e x.png ]
    [ "$(<x.dss)" = precious ]
}

@test "ds-plot on a full disk: a message, status 1, no file" {
    mkdir full && mount -t tmpfs -o size=16k none full 2>/dev/null || skip "no mount here"
    ds-aggregate --occurring --by unit,block <(ds-measure-cost -q in.dss) >g.dss
    for f in full/x.png full/x.svg; do
        run -1 ds-plot heatmap -o $f g.dss
        [[ "$output" == "ds-plot: $f: cannot write: No space left on device" ]] || break
        [ ! -e $f ] || break
    done
    left=$(ls full)
    umount full
    [ "$f" = full/x.svg ] && [ -z "$left" ]
}

@test "links, modes, devices, pipes" {
    umask 027
    ds-cat in.dss -o new.dss
    [ "$(stat -c %a new.dss)" = 640 ]
    chmod 604 new.dss
    ds-cat in.dss -o new.dss
    [ "$(stat -c %a new.dss)" = 604 ]

    mkdir d
    ln -s d/there.dss link.dss # to nothing yet
    ds-cat in.dss -o link.dss
    [ -L link.dss ] && cmp d/there.dss in.dss
    ds-sample ofa-mbv3 -n 5 -o link.dss
    [ -L link.dss ] && [ "$(ds-show -t -c id d/there.dss | wc -l)" -eq 6 ]
    ln -s circle circle
    run -1 ds-cat in.dss -o circle
    [[ "$output" == *"Too many levels of symbolic links" ]]

    { echo before; ds-cat in.dss -o /dev/stdout; } >out
    cmp <(tail -c +8 out) in.dss
    mkfifo pipe
    ds-cat in.dss -o pipe & cat pipe >got
    wait $!
    cmp got in.dss
    [ -p pipe ]
    ds-cat in.dss -o >(cat >through)
    for _ in $(seq 100); do cmp -s through in.dss && break; sleep 0.1; done
    cmp through in.dss
    ds-cat in.dss -o /dev/null
    [ -c /dev/null ]
    no_parts
}

@test "what cannot be written is told before anything is lost" {
    run -1 ds-cat in.dss -o .
    [ "$output" = "ds-cat: .: Is a directory" ]
    run -1 ds-cat in.dss -o ""
    [ "$output" = "ds-cat: : No such file or directory" ]
    run -1 ds-cat in.dss -o none/x.dss
    [ "$output" = "ds-cat: none/x.dss: No such file or directory" ]
    [ "$(id -u)" -ne 0 ] || skip "root may write all"
    cp in.dss x.dss && chmod 444 x.dss
    run -1 ds-sample ofa-mbv3 -n 1 -o x.dss
    [ "$output" = "ds-sample: x.dss: Permission denied" ]
    mkdir shut && cp in.dss shut/x.dss && chmod 555 shut
    run -1 ds-sample ofa-mbv3 -n 1 -o shut/x.dss
    [ "$output" = "ds-sample: shut/x.dss: cannot make a file beside it: Permission denied" ]
    cmp shut/x.dss in.dss
}

@test "a tool that is ended by a signal keeps what it wrote of a stream, nothing of a text" {
    echo precious >x.dss
    for signal in INT TERM HUP; do
        # bash runs jobs of a script with SIGINT ignored
        python3 - $signal <<'END' 2>err || { cat err; return 1; }
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
tool = subprocess.Popen(["ds-sample", "ofa-mbv3", "-n", "100000000", "-q", "-o", "x.dss"],
                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
while not any(".part." in f and os.path.getsize(f) for f in os.listdir(".")):
    time.sleep(0.02)
which = getattr(signal, "SIG" + sys.argv[1])
tool.send_signal(which)
assert tool.wait() == -which
END
        grep -q "^ds-sample: interrupted: what came before is in x.dss.part\.......$" err
        ds-show -t -c id x.dss.part.* 2>/dev/null | grep -q 22cec7c2fe46f0b0
        [ "$(<x.dss)" = precious ]
        rm x.dss.part.*
    done
    mkfifo slow
    python3 - <<'END'
import os, signal, subprocess, time
tool = subprocess.Popen(["ds-export", "ofa", "slow", "-o", "x.dss"])
feed = open("slow", "wb")
while not any(".part." in f for f in os.listdir(".")):
    time.sleep(0.02)
tool.terminate()
assert tool.wait() == -signal.SIGTERM
END
    [ "$(<x.dss)" = precious ]
    no_parts
}

@test "a tool that is ended while it writes a model leaves no part of it" {
    ds-sample ofa-mbv3 -n 100 --seed 4 -o many.dss
    for format in onnx tflite onnx; do
        rm -rf models
        python3 - $format <<'END'
import os, signal, subprocess, sys, time
tool = subprocess.Popen(["ds-export", sys.argv[1], "--dir", "models", "many.dss"], stdout=subprocess.DEVNULL)
while not (os.path.isdir("models") and any(".part." in f for f in os.listdir("models"))):
    assert tool.poll() is None
tool.terminate()
assert tool.wait() == -signal.SIGTERM
assert not any(".part." in f for f in os.listdir("models")), os.listdir("models")
END
    done
}

@test "many writers of one name: one of them is what is left, whole" {
    for i in $(seq 8); do ds-sample ofa-mbv3 -n 2000 --seed "$i" -q -o same.dss & done
    wait
    ds-cat -n 2000 same.dss >/dev/null
    for i in $(seq 4); do ds-sample ofa-mbv3 -n 2 | ds-export onnx --dir models >/dev/null & done
    wait
    [ "$(ls models | wc -l)" -eq 2 ]
    no_parts
}
