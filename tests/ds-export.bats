# shellcheck disable=SC2154 # stderr is set by run
bats_require_minimum_version 1.5.0

@test "ofa: one dictionary a line, metrics as keys" {
    ds-sample ofa-mbv3 -n 5 | ds-measure-cost | ds-export ofa | python3 -c 'import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert len(rows) == 5
for r in rows:
    assert len(r["ks"]) == len(r["e"]) == 20 and len(r["d"]) == 5, r
    assert set(r["ks"]) <= {3, 5, 7} and set(r["e"]) <= {3, 4, 6} and r["r"] in (160, 176, 192, 208, 224)
    assert r["macs"] > 90'
}

@test "json and tsv are those of ds-show" {
    ds-sample ofa-mbv3 -n 5 | ds-measure-cost >"$BATS_TEST_TMPDIR/a.dss"
    cd "$BATS_TEST_TMPDIR"
    cmp <(ds-export json a.dss) <(ds-show --json a.dss)
    cmp <(ds-export tsv a.dss) <(ds-show --tsv --details a.dss)
}

@test "a pruned space: lists as long as it says, or as the space it was cut from has them" {
    cd "$BATS_TEST_TMPDIR"
    python3 - "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >pruned.json <<'END'
import json, sys
space = json.load(open(sys.argv[1]))
space["name"] = "pruned"
space["units"][1]["depth"] = [2, 3]
json.dump(space, sys.stdout)
END
    ds-sample ./pruned.json -n 20 >p.dss
    [ "$(ds-export ofa p.dss | python3 -c 'import json, sys
print({len(json.loads(line)["ks"]) for line in sys.stdin})')" = "{19}" ]
    ds-export ofa --space ofa-mbv3 p.dss >whole
    cmp <(ds-import ofa --space ofa-mbv3 whole | ds-show -t -c id,arch) <(ds-show -t -c id,arch p.dss)
    run -1 bash -c 'ds-sample ofa-mbv3 -n 20 | ds-export ofa --space ./pruned.json 2>&1 >/dev/null'
    [[ "$output" == "ds-export: standard input: record "*": space pruned does not allow 4 at unit1.depth" ]]
    run -2 ds-export json --space ofa-mbv3 p.dss
    [ "$output" = "ds-export: --space is for ofa and lut" ]
}

@test "what a dictionary cannot tell is refused, not left out" {
    cd "$BATS_TEST_TMPDIR"
    sed -n '/^```json/,/^```/p' "$BATS_TEST_DIRNAME/../schemas/space.md" | grep -v '```' >widths.json
    run -1 bash -c 'ds-sample ./widths.json -n 1 | ds-export ofa'
    [[ "$output" == *": space tiny has a choice at unit1.width, which these dictionaries do not have" ]]
    echo '{"ks":3,"e":3,"d":2,"r":160,"x":1}' | ds-import ofa --space ofa-mbv3 --rename x=ks >ks.dss
    run -1 ds-export ofa ks.dss
    [[ "$output" == *"ks.dss: record 1, byte "*": metric \"ks\" would stand in the place of another key" ]]
}

@test "errors" {
    run -2 ds-export
    [[ "$output" == "ds-export: wants a format first: ofa, json, tsv, onnx, tflite or lut" ]]
    ds-sample ofa-mbv3 -n 2 | ds-affix --all | ds-measure-cost | ds-aggregate --by block >"$BATS_TEST_TMPDIR/g.dss"
    run -1 ds-export ofa "$BATS_TEST_TMPDIR/g.dss"
    [[ "$output" == *"g.dss: record 1, byte "*": no architecture; is this an aggregated stream?" ]]
}

@test "onnx: a model of each space that the ONNX project's own checker accepts" {
    /usr/bin/python3 -c 'import onnx' 2>/dev/null || skip "no Debian package python3-onnx"
    cd "$BATS_TEST_TMPDIR"
    for space in "$DSTOOLS_SCHEMAS"/spaces/*.json; do
        ds-sample "$space" -n 1 | ds-measure-cost -q >one.dss
        ds-export onnx -o model.onnx one.dss
        ds-export onnx --opset 13 --batch 3 --input image -o batch.onnx one.dss
        /usr/bin/python3 - "$(ds-show -t -c resolution,params one.dss | tail -1)" <<'END'
import sys
import numpy
import onnx
resolution, params = sys.argv[1].split("\t")
for name, batch, opset, ir, input_name in (("model", 1, 11, 6, "input"), ("batch", 3, 13, 7, "image")):
    m = onnx.load(name + ".onnx")
    onnx.checker.check_model(m, full_check=True)
    assert m.opset_import[0].version == opset and m.ir_version == ir
    assert m.producer_name == "dstools" and m.producer_version
    def shape(v):
        return [d.dim_value for d in v.type.tensor_type.shape.dim]
    assert [v.name for v in m.graph.input] == [input_name]
    assert shape(m.graph.input[0]) == [batch, 3, int(resolution), int(resolution)]
    assert shape(m.graph.output[0]) == [batch, 1000]
    names = [n.name for n in m.graph.node] + [i.name for i in m.graph.initializer]
    assert len(set(names)) == len(names)
    # all that was counted is there: a batch norm is two numbers a channel, one when folded
    used = {i for n in m.graph.node for i in n.input}
    assert used >= {i.name for i in m.graph.initializer}
    weights = sum(numpy.prod(i.dims) for i in m.graph.initializer if i.name.endswith(".weight"))
    biases = sum(numpy.prod(i.dims) for i in m.graph.initializer if i.name.endswith(".bias"))
    assert weights + biases <= float(params) * 1e6 + 10 <= weights + 2 * biases + 20, (weights, biases, params)
END
    done
}

@test "onnx --int8: a model of each space that the ONNX project's own checker accepts" {
    /usr/bin/python3 -c 'import onnx' 2>/dev/null || skip "no Debian package python3-onnx"
    cd "$BATS_TEST_TMPDIR"
    for space in "$DSTOOLS_SCHEMAS"/spaces/*.json; do
        for each in "" --round-each; do
            ds-sample "$space" -n 1 | ds-export onnx --int8 $each -o model.onnx
            /usr/bin/python3 - "$each" <<'END'
import sys
import onnx
m = onnx.load("model.onnx")
onnx.checker.check_model(m, full_check=True)
assert m.opset_import[0].version == 13
constant = {i.name: i for i in m.graph.initializer}
types = {"UINT8": 2, "INT8": 3, "INT32": 6}
seen = set()
for n in m.graph.node:
    if n.op_type == "QuantizeLinear":
        zero = constant[n.input[2]]
        seen.add((zero.data_type, zero.raw_data[0]))
    if n.op_type == "DequantizeLinear" and n.input[0] in constant: # weights, biases
        q, scale, zero = (constant[i] for i in n.input)
        assert q.data_type in (types["INT8"], types["INT32"]) and zero.data_type == q.data_type
        assert list(scale.dims) == list(zero.dims) == [q.dims[0]] and not any(zero.raw_data)
        assert [a.i for a in n.attribute if a.name == "axis"] == [0]
assert sum(n.op_type == "Conv" for n in m.graph.node) > 40
if sys.argv[1]:
    assert {t for t, _ in seen} == {types["UINT8"]} and (types["UINT8"], 128) in seen
else:
    assert seen <= {(types["UINT8"], 0), (types["INT8"], 0)} and (types["INT8"], 0) in seen, seen
END
        done
    done
}

@test "--int8: its options, and what cannot be" {
    cd "$BATS_TEST_TMPDIR"
    ds-sample mobilenet-v2 -n 1 >one.dss
    ds-export onnx --int8 -o a.onnx one.dss
    ds-export onnx --int8 --opset 13 -o b.onnx one.dss
    cmp a.onnx b.onnx
    ds-export tflite --int8 -o a.tflite one.dss
    ds-export tflite -o f.tflite one.dss
    # weights and biases of all but the last layer are a quarter
    awk -v a="$(wc -c <a.tflite)" -v f="$(wc -c <f.tflite)" 'BEGIN { exit !(a < 0.6 * f && a > 0.25 * f) }'
    for option in --seed=2 --batch=2 --round-each; do
        ds-export onnx --int8 $option one.dss >other.onnx
        run ! cmp -s other.onnx a.onnx
    done
    run -2 ds-export onnx --int8 --opset 12 one.dss
    [ "$output" = "ds-export: --opset: before 13 there are no scales of channels, as --int8 has them" ]
    run -2 ds-export onnx --round-each one.dss
    [ "$output" = "ds-export: --round-each is for --int8" ]
    run -2 ds-export tflite --int8 --round-each one.dss
    [ "$output" = "ds-export: --round-each is for onnx" ]
    run -2 ds-export json --int8 one.dss
    [ "$output" = "ds-export: --batch, --input and --int8 are for onnx and tflite" ]
}

@test "onnx: the bytes depend on network, seed and options alone; -d names files by id" {
    cd "$BATS_TEST_TMPDIR"
    ds-sample mobilenet-v2 -n 1 >a.dss
    ds-export onnx -d models a.dss >paths
    id=$(ds-show -t -c id a.dss | tail -1)
    [ "$(cat paths)" = "models/$id.onnx" ]
    [ "$(ls models)" = "$id.onnx" ]
    ds-export onnx <a.dss | cmp - "models/$id.onnx"
    ds-export onnx --seed 1 --batch 1 --opset 11 --input input -o b.onnx a.dss
    cmp b.onnx "models/$id.onnx"
    for option in --seed=2 --batch=2 --opset=12 --input=x; do
        ds-export onnx $option a.dss >other.onnx
        run ! cmp -s other.onnx b.onnx
    done
}

@test "onnx: many files, each once; a pruned space gives the files that it had" {
    cd "$BATS_TEST_TMPDIR"
    ds-sample ofa-mbv3 -n 3 >a.dss
    cat a.dss a.dss | ds-export onnx -d models >paths
    [ "$(wc -l <paths)" -eq 3 ]
    sed 's/"name": "ofa-mbv3"/"name": "pruned"/' "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >pruned.json
    ds-sample ./pruned.json -n 3 >b.dss
    cat a.dss b.dss | ds-export onnx -d again | sed 's/again/models/' | cmp - paths
    sed 's/"width": 1000/"width": 10/' pruned.json >other.json
    ds-sample ./other.json -n 3 >b.dss
    run -1 bash -c 'cat a.dss b.dss | ds-export onnx -d more 2>&1 >/dev/null'
    [[ "$output" == "ds-export: standard input: record 4, byte "*": another space of this stream has "* ]]
}

@test "onnx: what cannot be" {
    cd "$BATS_TEST_TMPDIR"
    ds-sample mobilenet-v2 -n 0 >none.dss
    ds-sample ofa-mbv3 -n 2 >two.dss
    run -1 ds-export onnx -o x none.dss
    [ "$output" = "ds-export: no architecture in the input" ]
    run -0 ds-export onnx -d models none.dss
    [ -z "$output" ]
    run -1 ds-export onnx -o x two.dss
    [[ "$output" == "ds-export: two.dss: record 2, byte "*": a second architecture, but a file holds one: give --dir DIR" ]]
    [ ! -s x ]
    run -1 ds-export onnx -d /proc/nowhere two.dss
    [[ "$output" == "ds-export: /proc/nowhere: cannot make it: "* ]]
    run -1 ds-export onnx -d none.dss two.dss
    [[ "$output" == "ds-export: two.dss: record 1, byte "*": none.dss/"*".onnx: Not a directory" ]]
    run -1 bash -c 'ds-sample mobilenet-v2 -n 1 | ds-export onnx -o /dev/full'
    [[ "$output" == "ds-export: "*"No space left on device" ]]
    run -2 ds-export onnx --opset 14 two.dss
    [ "$output" = "ds-export: --opset: must be 13 or less" ]
    run -2 ds-export onnx --opset 10 two.dss
    run -2 ds-export onnx --batch 5000 two.dss
    run -2 ds-export onnx --input output two.dss
    [ "$output" = "ds-export: --input: 'output' cannot be the name of the input" ]
    run -2 ds-export onnx --input $'\xff' two.dss
    for inside in stem0.conv0 stem0.conv0.weight; do # ONNX allows each name once
        run -1 ds-export onnx --input "$inside" --dir named two.dss
        [[ "$output" == *": '$inside' cannot be the name of the input: something inside has it" ]]
    done
    run -2 ds-export json --batch 2 two.dss
    [ "$output" = "ds-export: --batch, --input and --int8 are for onnx and tflite" ]
    run -2 ds-export onnx --space ofa-mbv3 two.dss
    head -c 900 two.dss >cut.dss
    cat two.dss cut.dss >bad.dss
    run -1 --separate-stderr ds-export onnx -d models bad.dss
    [ "${#lines[@]}" -eq 2 ]
    [[ "$stderr" == "ds-export: bad.dss: "* ]]
}

@test "onnx: not to a terminal" {
    script -qec true /dev/null >/dev/null 2>&1 || skip "no script(1), or no terminals here"
    cd "$BATS_TEST_TMPDIR"
    ds-sample mobilenet-v2 -n 1 >a.dss
    run script -qec 'ds-export onnx a.dss' /dev/null
    [[ "$output" == "ds-export: will not write a model to a terminal: give -o FILE or --dir DIR"* ]]
}
