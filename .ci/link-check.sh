#!/bin/sh
# Looks whether libre's replaced members stayed out: .ci/link-check.sh BINARY OBJDIR
#
# sip/libre/ defines every symbol of libre's tmr.o, sip/auth.o and sys/rand.o and
# stands before the archive, so those three members are never pulled in. Should libre gain
# a symbol there, the linker would take the member after all, and both clocks or
# both digests would live side by side. Each symbol has to be in the binary once,
# and in our object.
set -eu

binary=$1
objects=$2

symbols="tmr_poll tmr_jiffies tmr_jiffies_usec tmr_next_timeout tmr_status
tmr_debug tmr_init tmr_start tmr_cancel tmr_get_expire:tmr_heap
sip_auth_alloc sip_auth_reset sip_auth_authenticate sip_auth_encode:auth_digest
rand_init rand_u16 rand_u32 rand_u64 rand_char rand_str rand_bytes:rand_pool"

in_binary=$(nm --defined-only "$binary")

members=$(echo "$symbols" | tr '\n' ' ' | sed 's/\(:[a-z_]*\) */\1\n/g')
echo "$members" | while IFS=: read -r names object; do
	[ -n "$object" ] || continue
	[ -f "$objects/$object.o" ] || continue
	for name in $names; do
		count=$(echo "$in_binary" | grep -c " T $name\$" || true)
		if [ "$count" != 1 ]; then
			echo "link check: $name is $count times in $binary" >&2
			exit 1
		fi
		nm --defined-only "$objects/$object.o" | grep -q " T $name\$" || {
			echo "link check: $object.c doesn't define $name" >&2
			exit 1
		}
	done
done
