# shellcheck disable=SC2154 # stderr is set by run
# shellcheck disable=SC2016 # programs in single quotes
bats_require_minimum_version 1.5.0

# The runners of examples/runners, with stand-ins for what is on no test machine.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    runners=$BATS_TEST_DIRNAME/../examples/runners
    mkdir bin tmp
    export LOG=$PWD/log PATH=$PWD/bin:$PATH TMPDIR=$PWD/tmp
    ds-sample mobilenet-v2 -n 1 -o in.dss
}

teardown() {
    [ -z "$(ls "$BATS_TEST_TMPDIR/tmp")" ]
}

stand_in() { # NAME, script on standard input
    { echo '#!/bin/sh'; echo 'printf "%s " "${0##*/}" "$@" >>"$LOG"; echo >>"$LOG"'; cat; } >"bin/$1"
    chmod +x "bin/$1"
}

@test "ssh: the runner there gets the model, its arguments and variables" {
    # runs what it is told to, here, as the other host's shell would
    stand_in ssh <<'END'
[ "$1 $2 $3 $4" = "-o BatchMode=yes -- user@board" ] && [ $# -eq 5 ] && exec sh -c "$5"
END
    cat >"there runner" <<'END'
#!/bin/sh
[ -s "$3" ] && [ "$DSTOOLS_MODEL" = "$3" ] || exit 9
cp "$3" got.onnx
printf '%s|' "$1" "$2" "$4" "$DSTOOLS_METRIC" "$DSTOOLS_INPUT_SHAPE" >said
cat # nothing: the model is not its input
echo "# device: board"
echo 12.5
END
    chmod +x "there runner"
    ds-measure-npu --exec "$runners/ssh" --arg user@board --arg "$PWD/there runner" \
        --arg "it's; \$HOME" --arg '*' in.dss >out.dss
    [ "$(cat said)" = "it's; \$HOME|*|1,3,224,224|latency.npu|1,3,224,224|" ]
    ds-export onnx in.dss | cmp - got.onnx
    ds-show --json out.dss | grep -q '"device":"board"'
    [ "$(ds-show -t -c latency.npu out.dss | tail -1)" = 12.5 ]
}

@test "ssh: what fails there fails here" {
    stand_in ssh <<'END'
sh -c "$5"
END
    run -1 ds-measure-npu --exec "$runners/ssh" --arg host --arg "false" -o out.dss in.dss
    [[ "${lines[0]}" == *"/ssh: exit status 1" ]]
    run -1 ds-measure-npu --exec "$runners/ssh" --arg host --arg no-such-runner -o out.dss in.dss
    [[ "${lines[0]}" == *"/ssh: exit status 127: "*"no-such-runner"* ]]
    stand_in ssh <<'END'
echo "ssh: connect to host host port 22: No route to host" >&2
exit 255
END
    run -1 ds-measure-npu --exec "$runners/ssh" --arg host --arg x -o out.dss in.dss
    [[ "${lines[0]}" == *"/ssh: exit status 255: ssh: connect to host host port 22: No route to host" ]]
    run -1 "$runners/ssh" host model shape
    [ "$output" = "ssh: wants HOST RUNNER [ARG ...] MODEL SHAPE" ]
}

phone() { # what benchmark prints, on standard input
    cat >benchmark.out
    stand_in adb <<'END'
case $1 in
push) [ -s "$2" ] ;;
shell)
    case $* in
    *getprop*model*) echo "Phone 9" ;;
    *getprop*) echo kirin9000 ;;
    *benchmark*) cat benchmark.out; exit "${FAIL:-0}" ;;
    esac ;;
esac
END
    stand_in onnx2tf <<'END'
[ "$1 $3" = "-i -o" ] && [ -s "$2" ] && echo model >"$4/model_float32.tflite" && echo done
END
    stand_in converter_lite <<'END'
[ -s "${2#--modelFile=}" ] && echo model >"${3#--outputFile=}.ms" && echo "CONVERT RESULT SUCCESS:0"
END
}

@test "adb-nnapi: converts, pushes, runs, reads benchmark_model's timings, cleans up" {
    phone <<'END'
Use NNAPI: [1]
NNAPI accelerators available: [some-npu,nnapi-reference]
Explicitly applied NNAPI delegate, and the model graph will be completely executed by the delegate.
count=50 first=112256 curr=111087 min=110425 max=114213 avg=112533 std=778
Inference timings in us: Init: 34939, First inference: 130492, Warmup (avg): 116523, Inference (avg): 112533
END
    ds-measure-npu --exec "$runners/adb-nnapi" --arg=--accelerator=some-npu --arg=--repeats=3 -o out.dss in.dss
    ds-show --json out.dss | grep -q '"value":112.533,.*"runs":3,.*"device":"Phone 9 kirin9000 some-npu"'
    there=$(sed -n 's|^adb push .* \(/data/local/tmp/dstools-[0-9]*\.tflite\) $|\1|p' log)
    [ "$(grep -c "^adb shell /data/local/tmp/benchmark_model --graph=$there --use_nnapi=true --num_runs=20 --warmup_runs=3 --nnapi_accelerator_name=some-npu --require_full_delegation=true $" log)" -eq 3 ]
    [ "$(tail -1 log)" = "adb shell rm -f $there " ]
    grep -qE "^onnx2tf -i $TMPDIR/dstools-[A-Za-z0-9]*/[A-Za-z0-9]*\.onnx -o $TMPDIR/[^ ]* $" log
}

@test "adb-nnapi: what ran on the CPU is no number of the NPU" {
    phone <<'END'
Though NNAPI delegate is explicitly applied, the model graph will not be executed by the delegate.
Inference timings in us: Init: 34939, First inference: 130492, Warmup (avg): 116523, Inference (avg): 112533
END
    run -1 ds-measure-npu --exec "$runners/adb-nnapi" -o out.dss in.dss
    [[ "${lines[0]}" == *"adb-nnapi: NNAPI did not take the whole network" ]]
    phone <<'END'
Explicitly applied NNAPI delegate, and the model graph will be partially executed by the delegate w/ 3 delegate kernels.
Inference timings in us: Init: 1, First inference: 2, Warmup (avg): 3, Inference (avg): 1.5e+04
END
    run -1 ds-measure-npu --exec "$runners/adb-nnapi" -o out.dss in.dss
    ds-measure-npu --exec "$runners/adb-nnapi" --arg=--partial -o out.dss in.dss
    [ "$(ds-show -t -c latency.npu out.dss | tail -1)" = 15 ]
    echo "error: device offline" | phone
    run -1 ds-measure-npu --exec "$runners/adb-nnapi" -o out.dss in.dss
    [[ "${lines[0]}" == *"adb-nnapi: benchmark_model printed no timings" ]]
    FAIL=1 run -1 ds-measure-npu --exec "$runners/adb-nnapi" -o out.dss in.dss
    [[ "${lines[0]}" == *"exit status 1: error: device offline" ]]
}

@test "adb-kirin: converts, pushes, runs, reads the benchmark's mean, cleans up" {
    phone <<'END'
Model = dstools.ms, NumThreads = 2, MinRunTime = 2.228996 ms, MaxRuntime = 3.094002 ms, AvgRunTime = 2.556000 ms
Run Benchmark dstools.ms Success.
END
    ds-measure-npu --exec "$runners/adb-kirin" --arg=--repeats=2 --arg=--runs=7 -o out.dss in.dss
    ds-show --json out.dss | grep -q '"value":2.556[0,].*"runs":2,.*"engine":"MindSpore Lite benchmark, NPU","device":"Phone 9 kirin9000"'
    there=$(sed -n 's|^adb push .* \(/data/local/tmp/mindspore/dstools-[0-9]*\.ms\) $|\1|p' log)
    [ "$(grep -c "^adb shell cd /data/local/tmp/mindspore && LD_LIBRARY_PATH=. ./benchmark --modelFile=$there --device=NPU --loopCount=7 --warmUpLoopCount=3 $" log)" -eq 2 ]
    [ "$(tail -1 log)" = "adb shell rm -f $there " ]
    echo "Init MindSpore session failed" | phone
    run -1 ds-measure-npu --exec "$runners/adb-kirin" -o out.dss in.dss
    [[ "${lines[0]}" == *"adb-kirin: benchmark printed no AvgRunTime" ]]
}

@test "ONNX Runtime: times of single runs; a model it cannot read; none installed" {
    DSTOOLS_ONNXRUNTIME=$("$BATS_TEST_DIRNAME/onnxruntime" 2>reason) || skip "$(cat reason)"
    export DSTOOLS_ONNXRUNTIME
    ds-measure-cpu --exec "$runners/onnxruntime" --arg=--runs=4 -o out.dss in.dss
    ds-show --json out.dss | grep -qE '"latency.cpu":\{"value":[0-9.]*[1-9][0-9.]*,.*"runs":4,"engine":"ONNX Runtime 1\.[0-9.]*","threads":1,'
    ds-measure-cpu --exec "$runners/onnxruntime" -b 2 --arg=--runs=1 -o out.dss in.dss
    echo nonsense >bad.onnx
    run -1 "$runners/onnxruntime" bad.onnx 1,3,224,224
    [[ "$output" == "onnxruntime: "*"bad.onnx"* ]]
    run -1 "$runners/onnxruntime" --runs=x bad.onnx
    [ "$output" = "onnxruntime: --runs: 'x' is not a whole number" ]
    DSTOOLS_ONNXRUNTIME=/none run -1 "$runners/onnxruntime" bad.onnx
    [[ "$output" == "onnxruntime: cannot load onnxruntime-node, see the head of "* ]]
}

@test "TensorFlow Lite serves: started once, the same networks as one by one" {
    DSTOOLS_TFLITE=$("$BATS_TEST_DIRNAME/tflite" 2>reason) || skip "$(cat reason)"
    export DSTOOLS_TFLITE
    ds-sample ofa-mbv3 -n 3 -o three.dss
    ds-measure-cpu --exec "$runners/tflite" --format tflite --serve --arg=--serve --arg=--runs=4 \
        -o out.dss three.dss 2>err
    [ "$(ds-show --json out.dss | grep -cE '"latency.cpu":\{"value":[0-9.]*[1-9][0-9.]*,.*"runs":4,.*"engine":"TensorFlow Lite 2\.[0-9.]*","threads":1,"delegate":"XNNPACK"')" -eq 3 ]
    run ! grep -v 'Created TensorFlow Lite XNNPACK' err
    run -1 ds-measure-cpu --exec "$runners/tflite" --format onnx --serve --arg=--serve -o out.dss in.dss
    [[ "$output" == *"not a model that TensorFlow Lite reads"* ]]
}

@test "ONNX Runtime serves" {
    DSTOOLS_ONNXRUNTIME=$("$BATS_TEST_DIRNAME/onnxruntime" 2>reason) || skip "$(cat reason)"
    export DSTOOLS_ONNXRUNTIME
    ds-sample ofa-mbv3 -n 3 -o three.dss
    ds-measure-cpu --exec "$runners/onnxruntime" --serve --arg=--serve --arg=--runs=4 -o out.dss three.dss
    [ "$(ds-show --json out.dss | grep -cE '"value":[0-9.]*[1-9][0-9.]*,.*"runs":4,.*"engine":"ONNX Runtime 1\.[0-9.]*","threads":1')" -eq 3 ]
    run -1 ds-measure-cpu --exec "$runners/onnxruntime" --format tflite --serve --arg=--serve -o out.dss in.dss
    [ "$(ds-show --json out.dss | grep -c '"errors"')" -eq 1 ]
}

@test "adb-tflite: each delegate's flag, the rounds, blocks from the operators' profile, cleaning up" {
    phone <<'END'
count=50 first=112256 curr=111087 min=110425 max=114213 avg=112533 std=778
Inference timings in us: Init: 34939, First inference: 130492, Warmup (avg): 116523, Inference (avg): 112533
END
    serve=(--serve --arg=--serve --format tflite)
    ds-measure-npu --exec "$runners/adb-tflite" "${serve[@]}" --arg=--delegate=hexagon --arg=--repeats=3 -o out.dss in.dss
    ds-show --json out.dss | grep -q '"value":112.533,.*"runs":3,.*"device":"Phone 9 kirin9000"'
    there=$(sed -n 's|^adb push .*\.tflite \(/data/local/tmp/dstools-[0-9]*\.tflite\) $|\1|p' log)
    [ "$(grep -c "^adb shell /data/local/tmp/benchmark_model --graph=$there --use_hexagon=true --num_threads=1 --num_runs=20 --warmup_runs=3 --min_secs=0 $" log)" -eq 3 ]
    grep -q "^adb shell rm -f $there $" log
    ds-measure-npu --exec "$runners/adb-tflite" --format tflite --arg=--delegate=gpu -o out.dss in.dss
    ds-show --json out.dss | grep -q 'benchmark_model, gpu'

    # the table as TensorFlow Lite prints it, with tabs
    printf '%s\n' "============================== Run Order ==============================" \
        $'\t             [node type]\t          [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]' \
        $'\t                 CONV_2D\t            0.000\t    4.269\t    4.250\t  0.107%\t  0.107%\t     0.000\t        1\t[stem0.conv0]:0' \
        $'\t       DEPTHWISE_CONV_2D\t            4.270\t    0.150\t    0.250\t  0.030%\t  0.137%\t     0.000\t        1\t[unit0.layer1.conv4]:5' \
        $'\t              HARD_SWISH\t            4.270\t    0.150\t    0.500\t  0.030%\t  0.137%\t     0.000\t        1\t[unit0.layer1.hardswish4]:6' \
        $'\t         FULLY_CONNECTED\t            4.270\t    0.150\t    0.125\t  0.030%\t  0.137%\t     0.000\t        1\t[output]:7' \
        "" >>benchmark.out
    ds-measure-npu --exec "$runners/adb-tflite" "${serve[@]}" --arg=--per-block -o out.dss in.dss
    [ "$(ds-show -t -c latency.npu.stem0,latency.npu.unit0.layer1 out.dss | tail -1)" = $'4.25\t0.75' ]
    grep -q -- "--enable_op_profiling=true" log
}

@test "adb-tflite: what the delegate left to the CPU, no timings, a phone that is away, bad usage" {
    echo "Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate." | phone
    run -1 ds-measure-gpu --exec "$runners/adb-tflite" --format tflite --arg=--delegate=gpu -o out.dss in.dss
    [[ "${lines[0]}" == *"adb-tflite: gpu did not take the whole network" ]]
    echo nothing | phone
    run -1 ds-measure-gpu --exec "$runners/adb-tflite" --format tflite -o out.dss in.dss
    [[ "${lines[0]}" == *"adb-tflite: benchmark_model printed no timings" ]]
    echo "error: device offline" | phone
    FAIL=1 run -1 ds-measure-gpu --exec "$runners/adb-tflite" --format tflite -o out.dss in.dss
    [[ "${lines[0]}" == *"adb-tflite: adb: exit status 1: error: device offline" ]]
    run -1 "$runners/adb-tflite" --delegate=tpu m s
    [ "$output" = "adb-tflite: --delegate: 'tpu' is none of cpu, xnnpack, gpu, nnapi, hexagon" ]
    run -1 "$runners/adb-tflite" --repeats=x m s
    [ "$output" = "adb-tflite: --repeats: 'x' is not a whole number" ]
}

@test "trtexec: the times it exports" {
    stand_in trtexec <<'END'
for a; do case $a in --onnx=*) [ -s "${a#*=}" ] || exit 3 ;; --exportTimes=*) out=${a#*=} ;; esac; done
echo "&&&& RUNNING TensorRT.trtexec [TensorRT v8601] # trtexec"
echo "[I] TensorRT version: 8.6.1"
echo "[I] Selected Device: Orin"
[ -z "${FAIL-}" ] || exit 1
printf '[ { "startInMs" : 0, "latencyMs" : 1.5, "computeMs" : 1.25 }\n, { "startInMs" : 2, "latencyMs" : 2.5, "computeMs" : 1.75 } ]\n' >"$out"
END
    ds-measure-gpu --exec "$runners/trtexec" --serve --arg=--serve --arg=--fp16 -o out.dss in.dss
    ds-show --json out.dss >json
    for part in '"value":2[.0]*,' '"runs":2,' '"engine":"TensorRT 8.6.1"' '"precision":"fp16"' '"device":"Orin"'; do
        grep -q "$part" json
    done
    grep -q -- '--iterations=50 --duration=0 --warmUp=200 --avgRuns=1 .*--fp16 $' log
    ds-measure-gpu --exec "$runners/trtexec" --arg=--compute -o out.dss in.dss
    [ "$(ds-show -t -c latency.gpu out.dss | tail -1)" = 1.5 ]
    FAIL=1 run -1 ds-measure-gpu --exec "$runners/trtexec" -o out.dss in.dss
    [[ "${lines[0]}" == *"trtexec: trtexec: exit status 1: [I] Selected Device: Orin" ]]
}

@test "openvino: the median of each round" {
    stand_in benchmark_app <<'END'
[ -s "$2" ] || exit 3
cat <<'OUT'
[ INFO ] OpenVINO:
[ INFO ] Build ................................. 2023.1.0-12185-9e6b00e51cd
[ INFO ]   INFERENCE_PRECISION_HINT: <Type: 'float32'>
[ INFO ] Count:            20 iterations
[ INFO ] Latency:
[ INFO ]    Median:        3.25 ms
[ INFO ]    Average:       3.39 ms
OUT
END
    ds-measure-cpu --exec "$runners/openvino" --serve --arg=--serve --arg=--repeats=2 -o out.dss in.dss
    ds-show --json out.dss >json
    grep -q '"value":3.25,.*"runs":2,' json
    grep -q '"engine":"OpenVINO 2023.1.0-12185-9e6b00e51cd"' json
    grep -q '"precision":"float32"' json
    [ "$(grep -cE '^benchmark_app -m .*\.onnx -d CPU -api sync -hint none -niter 20 -nireq 1 -nthreads 1 $' log)" -eq 2 ]
    echo 'echo no' | stand_in benchmark_app
    run -1 ds-measure-cpu --exec "$runners/openvino" -o out.dss in.dss
    [[ "${lines[0]}" == *"openvino: benchmark_app printed no median latency" ]]
}

@test "ssh-serve: a runner there, started once, gets each model; what fails there fails here" {
    stand_in ssh <<'END'
[ "${9} ${10}" = "-- user@board" ] || exit 9
exec sh -c "${11}"
END
    cat >served <<'END'
#!/bin/sh
echo started >>starts
while read -r line; do
    model=$(printf %s "$line" | sed 's/.*"model": *"\([^"]*\)".*/\1/')
    id=$(printf %s "$line" | sed 's/.*"id": *"\([^"]*\)".*/\1/')
    cp "$model" "got.$id" && echo "$model" >>models
    echo "{\"id\":\"$id\",\"latency.npu\":12.5}"
done
END
    chmod +x served
    ds-sample mobilenet-v2 -n 1 -o one.dss
    ds-sample ofa-mbv3 -n 2 -o two.dss
    cat one.dss two.dss >three.dss
    ds-measure-npu --exec "$runners/ssh-serve" --serve --arg user@board --arg "$PWD/served" --arg "it's" -o out.dss three.dss
    [ "$(wc -l <starts)" -eq 1 ]
    [ "$(ds-show -t -c latency.npu out.dss | sort | uniq -c | grep -c '3 12.5')" -eq 1 ]
    [ "$(ls got.* | wc -l)" -eq 3 ]
    ds-export onnx one.dss | cmp - got.*"$(ds-show -t -c id one.dss | tail -1)"
    while read -r m; do [ ! -e "$m" ]; done <models
    run -1 ds-measure-npu --exec "$runners/ssh-serve" --serve --arg user@board --arg false -o out.dss one.dss
    [[ "${lines[0]}" == *"ssh-serve"* ]]
}
