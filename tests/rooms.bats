#!/usr/bin/env bats
# The rooms of lib/: which may include which, and what tools are linked with.

# "FILE HEADER" for every include of ours, headers as "room/file.h".
includes() {
    grep -rH --include='*.[ch]' '^#include "' "$LIB" |
        sed -E "s|^$LIB/||; s|:#include \"|\t|; s|\".*||" | sort -u
}

# The includes on standard input that do not go down.
upward() {
    awk -v rooms="$1" -F'\t' '
        BEGIN { n = split(rooms, name, " "); for (i = 1; i <= n; i++) level[name[i]] = i }
        {
            from = $1; to = $2; sub("/.*", "", from); sub("/.*", "", to)
            if (!(from in level)) print $1 ": " from " is a room that this test does not know"
            else if (!(to in level)) print $1 " includes " $2 ": not \"room/file.h\""
            else if (level[to] > level[from]) print $1 " includes " $2
        }'
}

setup() {
    LIB=$BATS_TEST_DIRNAME/../lib
    # in the order of the table: a room may include those before it
    ROOMS=$(sed -n 's/^| `\([a-z]*\)` |.*/\1/p' "$LIB/README.md" | tr '\n' ' ')
}

@test "every room is in the table, and no other" {
    for dir in "$LIB"/*/; do
        [[ " $ROOMS" == *" $(basename "$dir") "* ]] || { echo "$dir"; false; }
    done
    for room in $ROOMS; do [ -d "$LIB/$room" ]; done
    [ "$(wc -w <<<"$ROOMS")" -ge 13 ]
}

@test "a room includes those below it, never above" {
    run bash -c "$(declare -f includes upward); LIB='$LIB'
        includes | grep -v '\.pb-c\.h$' | grep -v '	kernels\.h$' | upward '$ROOMS'"
    [ "$status" -eq 0 ]
    [ -z "$output" ] || { echo "$output"; false; }
}

@test "an include that goes up is noticed" {
    run bash -c "$(declare -f upward)
        printf 'base/x.c\tspace/arch.h\nstudy/y.c\tbase/x.h\nattic/z.c\tbase/x.h\n' | upward '$ROOMS'"
    [ "${lines[0]}" = "base/x.c includes space/arch.h" ]
    [ "${lines[1]}" = "attic/z.c: attic is a room that this test does not know" ]
    [ "${#lines[@]}" -eq 2 ]
}

@test "headers do not include one another in circles" {
    run bash -c "$(declare -f includes); LIB='$LIB'; includes | grep -P '\.h\t' | tsort"
    [ "$status" -eq 0 ]
    [ -n "$output" ]
    [[ "$output" != *"loop"* ]]
}

@test "memory is asked for in one way: base/grow.h" {
    # texts that are printed into memory of their own (asprintf), jansson's hooks, and the engines, which
    # need it aligned, are left
    run grep -rnE --include='*.[ch]' '\b(malloc|calloc|realloc|reallocarray|strdup|strndup)\(' "$LIB" "$LIB/../tools"
    left=$(grep -vE "^$LIB/(base/(grow|json_memory)\.c|engines/)" <<<"$output" || true)
    [ -z "$left" ] || { echo "$left"; false; }
    grep -q "^$LIB/base/grow.c:" <<<"$output"
}

@test "the library does not include the tools, exit or print" {
    run grep -rnE --include='*.[ch]' '\b(exit|printf|puts|perror|abort) ?\(' "$LIB"
    echo "$output"
    [ "$status" -eq 1 ]
}

# The libraries that a tool asks for.
needed() {
    readelf -d "$BUILD/$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

@test "a tool is linked with what it uses" {
    command -v readelf >/dev/null || skip "no readelf"
    libraries=$(needed ds-sample)
    [[ "$libraries" == *libmsgpack* ]]
    for other in protobuf openblas dnnl XNNPACK OpenCL clblast yaml jpeg png; do
        [[ "$libraries" != *"$other"* ]] || { echo "ds-sample needs $other"; false; }
    done
}

@test "a tool that measures is linked with the engines of its devices, and no others" {
    command -v readelf >/dev/null || skip "no readelf"
    gpu=$(needed ds-measure-gpu)
    for other in dnnl XNNPACK pthreadpool; do
        [[ "$gpu" != *"$other"* ]] || { echo "ds-measure-gpu needs $other"; false; }
    done
    cpu=$(needed ds-measure-cpu)
    [[ "$cpu" != *OpenCL* && "$cpu" != *clblast* ]]
    npu=$(needed ds-measure-npu)
    [[ "$npu" != *dnnl* && "$npu" != *XNNPACK* && "$npu" != *OpenCL* ]]
}

@test "what the library offers is called ds_" {
    command -v nm >/dev/null || skip "no nm"
    run bash -c "nm -g --defined-only '$BUILD/libds.a' 2>/dev/null | awk 'NF == 3 { print \$3 }' |
        grep -vE '^(ds_|onnx__|_|asan|.*__)' | sort -u"
    [ -z "$output" ] || { echo "$output"; false; }
    run bash -c "nm -g --defined-only '$BUILD/libds.a' | grep -c ' T ds_'"
    [ "$output" -gt 200 ]
}
