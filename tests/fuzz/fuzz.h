/* What every fuzz target is made of: libFuzzer calls LLVMFuzzerTestOneInput() with
 * one input after the other, and whatever isn't ENSUREd is a finding. */
#ifndef BELLPULL_TESTS_FUZZ_FUZZ_H
#define BELLPULL_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ENSURE(cond)             \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
