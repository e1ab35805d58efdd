/* The configuration: secrets by reference, and that none stays in memory. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re.h>

#include "config/config.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

#define LINE_WITH_PASSWORD(ref)                                            \
	"{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"password\":\"" ref \
	"\"}]}"

static int test_config_secret_from_env(void)
{
	OWNED struct gw_config *cfg = NULL;
	size_t len;

	config_try_set("TEST_PASSWORD", "s3cret");
	CHECK_OK(config_try(&cfg, LINE_WITH_PASSWORD("env:TEST_PASSWORD")));
	CHECK_STR(gw_secret_text(cfg->lines[0].password, &len), "s3cret");
	CHECK_INT(len, 6);
	CHECK(!gw_secret_text(NULL, &len));
	CHECK_INT(len, 0);
	return 0;
}
TEST(test_config_secret_from_env);

static const char *file_secret(const char *bytes, size_t len, mode_t mode)
{
	static char buf[400];
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	char text[256];
	int err;

	if (config_try_file(bytes, len, mode))
		return "no file";

	(void)snprintf(text, sizeof(text), LINE_WITH_PASSWORD("file:%s"),
		       config_try_path);
	err = gw_config_parse(&cfg, text, strlen(text), &errs);
	(void)snprintf(buf, sizeof(buf), "%s",
		       err ? errs.list[0].text :
			     gw_secret_text(cfg->lines[0].password, NULL));
	mem_deref(cfg);
	(void)unlink(config_try_path);
	return buf;
}

static int test_config_secret_from_file(void)
{
	static char big[GW_CONFIG_SECRET_MAX + 1];

	CHECK_STR(file_secret("s3cret", 6, 0600), "s3cret");
	CHECK_STR(file_secret("s3cret\n", 7, 0640), "s3cret");
	CHECK_STR(file_secret("s3cret\r\n", 8, 0400), "s3cret");
	CHECK_STR(file_secret("s3cret\n\n", 8, 0600), "s3cret\n");
	CHECK_STR(file_secret(" s3 cret ", 9, 0600), " s3 cret ");
	CHECK_STR(file_secret("\n", 1, 0600),
		  "this secret is too short: it needs at least 1 characters");
	CHECK_STR(file_secret("s3\0cret", 7, 0600),
		  "there is a NUL byte in this secret");

	memset(big, 'x', sizeof(big));
	CHECK_STR(file_secret(big, sizeof(big), 0600),
		  "this secret is longer than 4096 bytes");
	return 0;
}
TEST_WITHOUT_OOM(test_config_secret_from_file, "answers in one static buffer");

static int test_config_secret_file_others_can_read(void)
{
	static const mode_t modes[] = { 0644, 0660, 0641, 0604,
					0666, 0750, 04600 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		const char *why = file_secret("s3cret", 6, modes[i]);
		char want[256];

		(void)snprintf(want, sizeof(want),
			       "%s has mode %04o, so others could read or "
			       "change it: chmod 0640 (or 0600) it",
			       config_try_path, modes[i]);
		CHECK_STR(why, want);
	}

	return 0;
}
TEST_WITHOUT_OOM(test_config_secret_file_others_can_read,
		 "answers in one static buffer");

static int test_config_secret_from_credential(void)
{
	OWNED struct gw_config *cfg = NULL;
	char text[256];

	CHECK_INT(config_try_file("s3cret\n", 7, 0400), 0);
	config_try_set("CREDENTIALS_DIRECTORY", "/tmp");
	(void)snprintf(text, sizeof(text), LINE_WITH_PASSWORD("credential:%s"),
		       config_try_path + strlen("/tmp/"));
	CHECK_OK(config_try(&cfg, text));
	CHECK_STR(gw_secret_text(cfg->lines[0].password, NULL), "s3cret");
	return 0;
}
TEST(test_config_secret_from_credential);

static int test_config_secret_refused(void)
{
	static const char inline_error[] =
		"/lines/0/password: a secret does not stand here as such: write "
		"\"env:NAME\", \"file:/path\" or \"credential:NAME\" (or set "
		"\"allow_inline\": true) (line 1)";

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	CHECK_STR(config_try_error(LINE_WITH_PASSWORD("hunter2")),
		  inline_error);
	CHECK(!strstr(config_try_error(LINE_WITH_PASSWORD("hunter2")),
		      "hunter2"));
	CHECK_STR(config_try_error(LINE_WITH_PASSWORD("env:TEST_NOT_SET")),
		  "/lines/0/password: the environment has no variable "
		  "TEST_NOT_SET: set it, or point to another place (line 1)");
	CHECK_STR(config_try_error(LINE_WITH_PASSWORD("file:/nowhere/x")),
		  "/lines/0/password: cannot read /nowhere/x: No such file or "
		  "directory (line 1)");
	CHECK_STR(
		config_try_error(LINE_WITH_PASSWORD("file:x")),
		"/lines/0/password: the path of a secret begins with a slash: "
		"\"file:/etc/bellpull/password\" (line 1)");
	CHECK_STR(config_try_error(LINE_WITH_PASSWORD("file:/tmp")),
		  "/lines/0/password: /tmp is no regular file (line 1)");
	CHECK_STR(config_try_error(LINE_WITH_PASSWORD("credential:x")),
		  "/lines/0/password: $CREDENTIALS_DIRECTORY is not set: give "
		  "the service LoadCredential=, or use \"file:\" (line 1)");

	config_try_set("CREDENTIALS_DIRECTORY", "/tmp");
	CHECK_STR(config_try_error(
			  LINE_WITH_PASSWORD("credential:../etc/passwd")),
		  "/lines/0/password: a credential's name has no slash and "
		  "begins with no dot (line 1)");
	return 0;
}
TEST(test_config_secret_refused);

/* Wiping ------------------------------------------------------------------- */

/* Not in the program's text, and gone from the stack when used. */
static void make_canary(char *canary)
{
	volatile int i;

	for (i = 0; i < 64; i++)
		canary[i] = (char)('A' + (i * i + i / 7 + 3) % 26);
	canary[64] = '\0';
}

/* How often canary is in the memory between two addresses of this process. */
static size_t count_in(int mem, uint64_t from, uint64_t to, const char *canary)
{
	static char page[65536 + 32];
	size_t count = 0, keep = 0, len = strlen(canary);

	while (from < to) {
		size_t want = to - from < 65536 ? (size_t)(to - from) : 65536;
		ssize_t n = pread(mem, page + keep, want, (off_t)from);
		const char *p = page;
		size_t have;

		if (n <= 0)
			break;
		have = keep + (size_t)n;
		while ((p = memmem(p, have - (size_t)(p - page), canary,
				   len))) {
			++count;
			p += len;
		}
		keep = have < len - 1 ? have : len - 1;
		memmove(page, page + have - keep, keep);
		from += (uint64_t)n;
	}

	memset(page, 0, sizeof(page));
	return count;
}

/* The heap alone: what is left in freed blocks stays there for others. */
static size_t count_in_heap(const char *canary)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512];
	size_t count = 0;

	while (maps && mem >= 0 && fgets(line, sizeof(line), maps)) {
		unsigned long long from, to;
		bool other = strchr(line, '/') || strstr(line, "[stack");

		/* what is huge is the sanitizer's own */
		if (sscanf(line, "%llx-%llx rw", &from, &to) == 2 &&
		    strstr(line, " rw") && !other && to - from < 1ULL << 28)
			count += count_in(mem, from, to, canary);
	}

	if (maps)
		(void)fclose(maps);
	if (mem >= 0)
		(void)close(mem);
	return count;
}

static int test_config_secret_is_wiped(void)
{
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	char text[256], canary[65];
	size_t ours;
	int len;

	make_canary(canary);
	len = snprintf(text, sizeof(text),
		       "{\"allow_inline\":true,\"lines\":[{\"user\":\"8\","
		       "\"domain\":\"p\",\"password\":\"%s\"}]}",
		       canary);
	CHECK_INT(config_try_file(text, (size_t)len, 0600), 0);

	/* the sanitizer of gcc 14 keeps our two arrays apart from the stack */
	ours = count_in_heap(canary + 32);
	CHECK(ours <= 2);

	CHECK_OK(gw_config_load(&cfg, config_try_path, &errs));
	CHECK_STR(gw_secret_text(cfg->lines[0].password, NULL), canary);
	/* the text given, and the secret: two; then none. The allocator writes
	 * over the beginning of what is freed, so the end is looked for. */
	CHECK_INT(count_in_heap(canary + 32), ours + 2);
	mem_deref(cfg);
	CHECK_INT(count_in_heap(canary + 32), ours);
	return 0;
}
TEST_WITHOUT_OOM(test_config_secret_is_wiped, "reads all memory");
