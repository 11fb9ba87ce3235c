# For BATS files that `load needs`.

# Skips the test where an engine is not built in; without a name, where none for this processor is.
needs_engine() {
    grep -qE "^(${1:-onednn|xnnpack}) " "$BUILD/engines" || skip "${1:-no engine for this processor} is not built in"
}
