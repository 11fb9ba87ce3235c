# A line for each group of a comparison (ds-compare --tsv), for pipelines/thesis.mk.
function signed(i) { return sprintf("%+.4g (p %.4f)", $(8 + 8 * i), $(12 + 8 * i)) }
NR == 1 { for (i = 0; 5 + 8 * i <= NF; i++) label[i] = $(5 + 8 * i); n = i }
$1 == "hypervolume" {
    for (i = 0; i < n; i++) volume[i] = sprintf("%+.1f%% (p %.4f)", 100 * $(8 + 8 * i) / $2, $(12 + 8 * i))
}
/ at / { level[++levels] = $1; for (i = 0; i < n; i++) gain[levels, i] = signed(i) }
/^highest/ { for (i = 0; i < n; i++) best[i] = signed(i) }
END {
    middle = int((levels + 1) / 2)
    for (i = 0; i < n; i++)
        printf "%-14s %-7s  hypervolume %-19s  %s %-20s  highest %s\n", device, label[i],
            volume[i], level[middle], gain[middle, i], best[i]
}
