/* The n-th allocation fails.
 *
 * The test program is linked with --wrap for each allocator below, so that every
 * call from our objects and from the static libraries (libre, rem, baresip) comes
 * by here; a shared library's own calls don't, but cJSON can be told to use ours.
 * The counter belongs to the thread that runs the test: what other threads
 * allocate depends on the scheduler, and a test must fail twice in the same way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "tests/oom.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
char *__real_strdup(const char *str);
char *__real_strndup(const char *str, size_t len);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
char *__wrap_strdup(const char *str);
char *__wrap_strndup(const char *str, size_t len);

static _Thread_local uint32_t left; /* until the one that fails; 0: none does */
static _Thread_local bool met;

static bool fails(void)
{
	if (!left || --left)
		return false;

	met = true;
	errno = ENOMEM;
	return true;
}

void oom_prepare(void)
{
	/* named here, malloc is the wrapper */
	cJSON_Hooks ours = { .malloc_fn = malloc, .free_fn = free };

	cJSON_InitHooks(&ours);
}

void oom_start(uint32_t n)
{
	left = n;
	met = false;
}

bool oom_met(void)
{
	return met;
}

bool oom_stop(void)
{
	const bool failed = left == 0;

	left = 0;
	return failed;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
	return fails() ? NULL : __real_realloc(ptr, size);
}

char *__wrap_strdup(const char *str)
{
	return fails() ? NULL : __real_strdup(str);
}

char *__wrap_strndup(const char *str, size_t len)
{
	return fails() ? NULL : __real_strndup(str, len);
}
