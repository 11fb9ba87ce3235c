bats_require_minimum_version 1.5.0

# make install, uninstall and dist.

setup() {
    [ -z "${SANITIZE:-}" ] || skip "composes tools that other tests try"
    cd "$BATS_TEST_DIRNAME/.." || exit 1
    to=$BATS_TEST_TMPDIR/to/opt/dstools
    target() {
        make -s BUILD="$BUILD" PREFIX=/opt/dstools DESTDIR="$BATS_TEST_TMPDIR/to" "$@"
    }
    files() { # of folder $1, less those of the checkout that are no one's business
        (cd "$1" && find . -type f ! -path '*/__pycache__/*' | sort)
    }
}

@test "install puts every tool, page, schema, pipeline and runner in its place" {
    PYTHONDONTWRITEBYTECODE='' python3 -c 'import sys; sys.path[:0] = ["examples/runners"]; import runner' # leaves __pycache__
    target install
    cmp <(files "$to/bin") <(cd tools && printf '%s\n' ds-*.c | sed 's|\(.*\)\.c$|./\1|' | sort)
    cmp <(files "$to/share/man/man1") <(cd tools && printf './%s\n' *.1 | sort)
    cmp <(files "$to/share/man/man7") <(cd tools && printf './%s\n' *.7 | sort)
    diff -r schemas "$to/share/dstools/schemas"
    cmp <(files "$to/share/dstools/pipelines") <(files pipelines)
    cmp <(files "$to/share/dstools/runners") <(files examples/runners | grep -vE '\.md$|pytorch-supernet')
    [ "$(ls "$to/share/doc/dstools")" = "$(printf '%s\n' LICENSE NEWS README.md)" ]
    [ "$(find "$to/bin" "$to/share/dstools/pipelines" -type f ! -name '*.mk' ! -perm -u+x)" = "" ]

    target uninstall
    [ "$(find "$to" -type f)" = "" ]
}

@test "what is installed runs elsewhere, with its schemas, pipelines and pages" {
    target install
    mv "$BATS_TEST_TMPDIR/to/opt" "$BATS_TEST_TMPDIR/moved"
    to=$BATS_TEST_TMPDIR/moved/dstools
    cd "$BATS_TEST_TMPDIR"
    unset DSTOOLS_SCHEMAS
    export PATH=$to/bin:/usr/bin:/bin
    for space in "$to"/share/dstools/schemas/spaces/*.json; do
        space=${space##*/}
        ds-sample "${space%.json}" -n 1 | ds-measure-cost | ds-show -t -c macs | tail -n 1 | grep -qE '^[0-9.]+$'
    done
    for page in "$to"/share/man/man1/*.1; do
        tool=${page##*/}
        grep -q "^\.Nm ${tool%.1}" "$page"
        [ -x "$to/bin/${tool%.1}" ]
    done
    "$to/share/dstools/pipelines/campaign" -n 6 --shards 2 --jobs 2 campaign ofa-mbv3 ds-measure-cost
    "$to/share/dstools/pipelines/campaign" --merge campaign >merged.dss
    [ "$(ds-show -t -c id merged.dss | tail -n +2 | sort -u | wc -l)" -eq 6 ]
    printf '#!/bin/sh\necho 2\n' >two && chmod +x two
    ds-sample ofa-mbv3 -n 2 | ds-measure-npu --exec ./two | ds-show -t -c latency.npu | grep -cx 2 | grep -qx 2
    make -s -f "$to/share/dstools/pipelines/search.mk" SPACE=ofa-mbv3 DEVICE=note10 SEEDS=1 INIT=8 BUDGET=4 ITERATIONS=1 OUT=found >/dev/null
    ls found/*/* >/dev/null
}

@test "the version is the one of NEWS" {
    [ "$(ds-show --version)" = "ds-show (dstools) $(sed -n 's/^VERSION = //p' Makefile)" ]
    [ "$(head -n 1 NEWS)" = "dstools $(sed -n 's/^VERSION = //p' Makefile)" ]
}

@test "dist packs what is committed, and nothing else" {
    git rev-parse HEAD >/dev/null 2>&1 || skip "no git checkout"
    version=$(sed -n 's/^VERSION = //p' Makefile)
    git clone -q . "$BATS_TEST_TMPDIR/clone"
    cd "$BATS_TEST_TMPDIR/clone"
    touch stray
    make -s dist
    cmp <(tar -tzf "dstools-$version.tar.gz" | grep -v '/$' | sort) <(git ls-files | sed "s|^|dstools-$version/|" | sort)
    [ "$(git status --porcelain)" = "?? stray" ]
}
