#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is set by run
# pipelines/paper.mk: the paper's figures and tables, in a short form; the numbers of the full one
# stand in examples/paper.

bats_require_minimum_version 1.5.0

setup() {
    # its tools have tests of their own under the sanitizers, which make this run take minutes
    [ -z "${SANITIZE:-}" ] || skip "composes tools; runs without the sanitizers"
    cd "$BATS_TEST_TMPDIR" || return
    pipelines=$BATS_TEST_DIRNAME/../pipelines
    ref=$BATS_TEST_DIRNAME/../../shared/reference
    [ -e "$DSTOOLS_SCHEMAS/devices/top1-proxylessnas.json" ] || skip "no profiles of the paper's devices"
}

paper() {
    make -s -j2 -f "$pipelines/paper.mk" OUT=out REFERENCE=nowhere RESPONSE=10 BASES=5 NETWORKS=80 \
        SEEDS='1 2' RANDOM=2 SEARCH='INIT=20 BUDGET=10 ITERATIONS=1 N=5' "$@"
}

@test "figures, claims, fronts and table; again, the same, and from where it was interrupted" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    paper >said 2>log
    for s in ofa-mbv3 proxylessnas resnet50; do
        for f in response-$s effects-$s-{block,depth,resolution}; do
            head -c 8 out/$f.png | grep -q PNG
        done
    done
    [ -s out/effects-resnet50-width.png ]
    [ "$(wc -l <out/response-ofa-mbv3.tsv)" = $((1 + 12 * 9)) ]
    [ "$(head -1 out/response-ofa-mbv3.tsv | tr '\t' ' ')" = "figure expand kernel paper right" ]
    grep -q '^  kirin9000: expansion 6 instead of 3 +.*; kernel 7 instead of 3 +' out/claims.txt
    grep -q '^  kirin9000: 208 instead of 224 .* of 80 networks$' out/claims.txt
    [ "$(grep -c ' and .* over 80 networks' out/claims.txt)" = $((15 + 10 + 2)) ]
    [ "$(awk '{ print $2 }' out/fronts/summary.txt | sort | uniq -c | tr -s ' \n' ' ')" = " 7 auto 7 pruned " ]
    [ "$(grep -c 'of 3)' out/fronts/summary.txt)" = 14 ]
    [ -s out/fronts/kirin9000-proxylessnas/front.png ]
    [ "$(head -11 out/table2.txt | grep -c ' ± .*M$')" = 6 ]
    grep -q '^OFA (230M) .* 229.8M$' out/table2.txt
    grep -q '^OFA-Large .* 595.1M$' out/table2.txt
    [ "$(grep -c '^highest top1 .* of 3 *$' out/table2.txt)" = 3 ]
    before=$(sha256sum out/*.* out/table/*/*/*/best.dss)
    paper >again 2>log
    cmp <(sort said) <(sort again)
    [ "$(sha256sum out/*.* out/table/*/*/*/best.dss)" = "$before" ]
    run ! grep '^  out/' log # nothing was made anew
    rm out/affixed-ofa-mbv3.dss out/kernel-ofa-mbv3.dss out/claims.txt \
        out/response-ofa-mbv3.{dss,tsv,png} out/table/resnet50/original/2/01.dss
    paper >again 2>log
    [ "$(sha256sum out/*.* out/table/*/*/*/best.dss)" = "$before" ]
}

@test "one part alone makes no other" {
    paper claims >said
    cmp said out/claims.txt
    [ ! -e out/fronts ] && [ ! -e out/table ] && [ ! -e out/response-ofa-mbv3.dss ]
}

@test "next to what was published: the Note10's cells, which are of the same tables" {
    [ -f "$ref/published.json" ] || skip "no reference data"
    paper REFERENCE="$ref" RESPONSE=600 out/response-ofa-mbv3.tsv
    # columns: figure expand kernel published paper paper_diff_percent right right_diff_percent; the
    # deviation of a mean of 600 networks is 0.6%
    awk -F'\t' '$1 ~ /^note10/ { n++; if ($6 > 2.5 || $6 < -2.5) { print; bad = 1 } } END { exit bad || n != 27 }' \
        out/response-ofa-mbv3.tsv
    # what all cells have in common taken out, they agree to 0.1%
    awk -F'\t' '$1 ~ /^note10/ { n[$1]++; s[$1] += $6; q[$1] += $6 * $6 }
        END { for (f in n) if (q[f] / n[f] - (s[f] / n[f]) ^ 2 > 0.01) exit 1 }' out/response-ofa-mbv3.tsv
}

@test "the paper's figure as a picture, from its table" {
    command -v gnuplot >/dev/null || skip "no gnuplot"
    draw() { "$pipelines/paper-picture.py" "$@"; }
    { printf 'figure\texpand\tkernel\tpaper\tpaper_diff_percent\n'
        for e in 6 4 3; do for k in 3 5 7; do
            printf 'note10_ms_r224\t%d\t%d\t4%d.%d\t+0.1%d\n' $e $k $e $k $k
        done; done; } >t.tsv
    draw t.tsv t.svg
    for text in Note10 '>46.30<' '>43.70<' '>+0.17%<' 'ours, with --paper'; do
        grep -q -- "$text" t.svg || { echo "no $text"; return 1; }
    done
    run ! grep -q '[^ ]published<' t.svg
    run -1 draw nowhere.tsv x.png
    [[ "$output" == "paper-picture.py: "*nowhere.tsv* ]]
    head -n 5 t.tsv >cut.tsv
    run -1 draw cut.tsv x.png
    [[ "$output" == "paper-picture.py: cut.tsv: note10_ms_r224 has not the nine blocks" ]]
    [ ! -e x.png ]
}
