#!/bin/sh
# What can be known without running anything (G30): .ci/check.sh [PART...]
#
#   format    clang-format has nothing to say (version 14 has the last word)
#   tidy      clang-tidy neither (.clang-tidy has the list)
#   cppcheck  nor cppcheck
#   includes  nobody includes against the arrows
#   settings  every setting is used outside of config/
#   hosts     no package registry is named in a file that is kept
#   shell     the scripts parse, and shellcheck agrees where there is one
#   link      libre's replaced members stayed out of build/bellpull
#
# Every part is counted like a test.
set -u

passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
jobs=$(nproc)
[ "$jobs" -le 2 ] || jobs=2

sources() {
	find config server sip tests -name '*.c' -o -name '*.h' | sort
}

# Each clang-format breaks some lines otherwise; one of them has to be right.
format_version=14
format_is_ours() {
	clang-format --version | grep -q "version $format_version\."
}

format() {
	sources | xargs clang-format --dry-run -Werror
}

# clang-tidy reads the compile commands of a real build. What was clean is
# remembered by its text, with all it includes, and not read again.
tidy() {
	mkdir -p build/tidy
	flags=$(make -s --no-print-directory print-cppflags) || return 1
	export flags
	stamp=$({ clang-tidy --version; cat .clang-tidy; echo "$flags"; } |
		sha256sum | cut -c1-16)
	export stamp
	# shellcheck disable=SC2016
	find config server sip tests -name '*.c' | sort |
		xargs -P "$jobs" -I{} sh -c '
			key=$({ echo "$stamp"
				eval gcc $flags -E -P {} 2>&1; cat {}; } |
				sha256sum | cut -c1-32)
			[ -f "build/tidy/$key" ] && exit 0
			eval clang-tidy --quiet {} -- $flags \
				2>/dev/null && : >"build/tidy/$key"
		'
}

# __VA_OPT__ is news to older ones: a comma is what it stands for here.
cpp() {
	mkdir -p build/cppcheck
	cppcheck -j "$jobs" --quiet --std=c11 --error-exitcode=1 --inline-suppr \
		--enable=warning,performance,portability \
		--cppcheck-build-dir=build/cppcheck -I. -D__GNUC__=12 \
		'-D__VA_OPT__(...)=,' \
		--suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress=normalCheckLevelMaxBranches \
		--suppress=checkLevelNormal \
		"$@"
}

hosts() {
	# each with a bracket, so that this file does not find itself
	! git grep -nIiE -e 'registry\.[n]pmjs|[d]eb\.debian|ftp\.[d]ebian' \
		-e 'security\.[d]ebian|snapshot\.[d]ebian|[p]ypi\.org' \
		-e 'pythonhosted\.[o]rg|"[r]esolved":' -- .
}

shells() {
	for script in .ci/run .ci/*.sh tests/*.sh tests/*/*.sh docker/*.sh; do
		[ -f "$script" ] || continue
		sh -n "$script" || return 1
	done
	command -v shellcheck >/dev/null || return 0
	# shellcheck disable=SC2046
	shellcheck -s sh .ci/run $(git ls-files '*.sh')
}

part() {
	name=$1
	shift
	if "$@" >"$log" 2>&1; then
		echo "ok check/$name"
		passed=$((passed + 1))
	else
		cat "$log"
		echo "FAILED check/$name"
		failed=$((failed + 1))
	fi
}

[ $# -gt 0 ] || set -- format tidy cppcheck includes settings hosts shell link
for name in "$@"; do
	case $name in
	format)
		if format_is_ours; then
			part format format
		else
			echo "SKIPPED check/format: it takes clang-format" \
				"$format_version; this is $(clang-format --version)"
		fi
		;;
	tidy) part tidy tidy ;;
	cppcheck) part cppcheck cpp config server sip tests ;;
	includes) part includes .ci/includes.sh ;;
	settings) part settings .ci/settings.sh ;;
	hosts) part hosts hosts ;;
	shell) part shell shells ;;
	link)
		[ ! -f server/main.c ] ||
			part link .ci/link-check.sh build/bellpull \
				build/obj/sip/libre
		;;
	*) echo "FAILED check/$name: there is no such part" ;;
	esac
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
