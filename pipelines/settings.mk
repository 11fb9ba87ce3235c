# For the end of a rule file, which says in
#   variables   what can be given on the command line: anything else is a slip of the pen, as
#               ITERATION=5 for ITERATIONS=5, and is refused rather than ignored. What the
#               environment holds is not looked at.
#   settings    what must not change between a run and its continuation: OUT/settings keeps it, and
#               a run with other settings is refused rather than mixed with the first.
#   name        what its messages begin with
# A rule file that runs another passes on its variables, which are not looked at again.

ifndef DSTOOLS_VARIABLES_CHECKED
unknown := $(filter-out $(variables) $(ALSO) ALSO,$(foreach v,$(.VARIABLES),\
	$(if $(filter command,$(firstword $(origin $v))),$v)))
ifneq ($(unknown),)
$(error $(name): no variable $(firstword $(unknown)); there are $(sort $(variables)))
endif
endif
export DSTOOLS_VARIABLES_CHECKED := 1

quote = '$(subst ','\'',$(1))'

ifdef settings
$(OUT)/settings: always
	@mkdir -p $(@D); now=$(call quote,$(strip $(settings))); \
	[ ! -e $@ ] || [ "$$(cat $@)" = "$$now" ] || { \
	printf '$(name): %s holds a run with other settings: take another OUT\n is:  %s\n was: %s\n' \
	$(OUT) "$$now" "$$(cat $@)" >&2; exit 1; }; [ -e $@ ] || printf '%s\n' "$$now" >$@
.PHONY: always
endif
