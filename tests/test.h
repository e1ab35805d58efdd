/* What a test is made of.
 *
 *	static int test_address_refuses_crlf(void)
 *	{
 *		OWNED struct gw_address *addr = NULL;
 *
 *		CHECK_ERR(gw_address_parse(&addr, "sip:a\r\n@b"), EINVAL);
 *		CHECK(!addr);
 *		return 0;
 *	}
 *	TEST(test_address_refuses_crlf);
 *
 * TEST() enters the function in a table that the linker gathers from all files,
 * so a new test, or a new file of tests, is an edit of that file alone and never
 * of a list that everybody shares.
 *
 * A CHECK that fails returns from the test at once. Each test also runs with its
 * n-th allocation failing (see oom.c), where any CHECK may be the one that
 * returns: what the test holds must be given back on that way too. Declare it
 * OWNED, or hand it to test_later(). The run counts libre's blocks before and
 * after each test and calls it FAILED when there are more.
 */
#ifndef BELLPULL_TESTS_TEST_H
#define BELLPULL_TESTS_TEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <re.h>

struct test {
	const char *file;
	int line;
	const char *name;
	int (*run)(void);
	const char *no_oom; /* why allocations can't fail under it; or NULL */
};

#define TEST(fn) TEST_WITHOUT_OOM(fn, NULL)

#define TEST_WITHOUT_OOM(fn, why)                                            \
	static const struct test entry_##fn = { __FILE__, __LINE__, #fn, fn, \
						why };                       \
	static const struct test *listed_##fn                                \
		__attribute__((used, section("tests"))) = &entry_##fn

#define CHECK(cond)                                                 \
	do {                                                        \
		if (!(cond)) {                                      \
			test_fail(__FILE__, __LINE__, "%s", #cond); \
			return 1;                                   \
		}                                                   \
	} while (0)

#define CHECK_INT(got, want)                                                  \
	do {                                                                  \
		const long long got_ = (long long)(got);                      \
		const long long want_ = (long long)(want);                    \
		if (got_ != want_) {                                          \
			test_fail(__FILE__, __LINE__, "%s is %lld, not %lld", \
				  #got, got_, want_);                         \
			return 1;                                             \
		}                                                             \
	} while (0)

/* Either may be NULL. */
#define CHECK_STR(got, want)                                                 \
	do {                                                                 \
		const char *got_ = (got);                                    \
		const char *want_ = (want);                                  \
		if (!got_ != !want_ || (got_ && strcmp(got_, want_) != 0)) { \
			test_fail(__FILE__, __LINE__,                        \
				  "%s is \"%s\", not \"%s\"", #got,          \
				  got_ ? got_ : "(null)",                    \
				  want_ ? want_ : "(null)");                 \
			return 1;                                            \
		}                                                            \
	} while (0)

/* For functions that return 0 or an errno value. */
#define CHECK_ERR(call, want)                                                  \
	do {                                                                   \
		const int got_ = (call);                                       \
		const int want_ = (want);                                      \
		if (got_ != want_) {                                           \
			test_fail(__FILE__, __LINE__, "%s: %s, not %s", #call, \
				  got_ ? strerror(got_) : "ok",                \
				  want_ ? strerror(want_) : "ok");             \
			return 1;                                              \
		}                                                              \
	} while (0)

#define CHECK_OK(call) CHECK_ERR(call, 0)

/* OWNED struct mbuf *mb = NULL;  is given to mem_deref() when mb goes out of
 * scope, also by a CHECK that failed. Who gives it back before sets it to NULL:
 * mb = mem_deref(mb). Several OWNED ones go in reverse order. */
#define OWNED __attribute__((cleanup(test_deref)))

void test_deref(void *ptrp);

/* Calls fn(arg) when the test is over, however it ended; last come, first
 * served. For what has no scope or is no object of libre's. */
void test_later(void (*fn)(void *arg), void *arg);

/* Runs libre's loop until cond(arg) is true: 0, or ETIMEDOUT after limit_ms of
 * real time. Under a test clock (sip/libre/tmr_heap.h) time stands still unless
 * the test moves it. */
int test_run_until(bool (*cond)(void *arg), void *arg, uint32_t limit_ms);

void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
