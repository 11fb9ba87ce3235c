# Once-for-All's dictionaries in, with a measured number of one's own, and out again.
cat <<'END' | ds-import ofa --space ofa-mbv3 --rename ms=latency.phone | ds-measure-cost | ds-export ofa
{"ks": 3, "e": 3, "d": 2, "r": 160, "ms": 8.25}
{"ks": [7,7,7,7, 5,5,5,5, 3,3,3,3, 3,3,3,3, 5,5,5,5], "e": 6, "d": [4,3,2,3,4], "r": 224, "ms": 41.5}
END
