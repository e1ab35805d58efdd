#!/bin/sh
# The longest functions and files: where to split next.
set -eu

echo "functions"
find config server sip tests -name '*.c' | sort | while read -r file; do
	awk -v file="$file" '
		/^[a-zA-Z_].*\(/ && !/;$/ { name = $0; sub(/\(.*/, "", name)
			sub(/.*[ *]/, "", name) }
		/^{/ { start = FNR }
		/^}/ && start { print FNR - start - 1, file ":" start, name
			start = 0 }' "$file"
done | sort -rn | head -n 15 | awk '{ printf "%6d  %-32s %s\n", $1, $3, $2 }'

echo "files"
find config server sip tests web -name '*.[ch]' -o -name '*.js' \
	-o -name '*.mjs' -o -name '*.css' | grep -v node_modules |
	xargs wc -l | grep -v ' total$' | sort -rn | head -n 15 |
	awk '{ printf "%6d  %s\n", $1, $2 }'
