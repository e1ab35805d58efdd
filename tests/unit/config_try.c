/* Trying configurations: see the header. What a test sets or writes goes with it. */
#include "tests/unit/config_try.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <re.h>

#include "tests/test.h"

const char *config_try_error(const char *text)
{
	static char buf[640];
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	int err;

	err = gw_config_parse(&cfg, text, strlen(text), &errs);
	mem_deref(cfg);
	if (err == ENOMEM)
		return "out of memory";
	if (!err)
		return "no error";

	gw_config_error_print(buf, sizeof(buf), &errs.list[0]);
	return buf;
}

int config_try(struct gw_config **cfgp, const char *text)
{
	struct gw_config_errors errs;

	return gw_config_parse(cfgp, text, strlen(text), &errs);
}

static void unset(void *arg)
{
	(void)unsetenv(arg);
}

void config_try_set(const char *name, const char *text)
{
	(void)setenv(name, text, 1);
	test_later(unset, (void *)(uintptr_t)name);
}

char config_try_path[64];

static void remove_file(void *arg)
{
	(void)arg;
	(void)unlink(config_try_path);
}

int config_try_file(const char *text, size_t len, mode_t mode)
{
	int fd;

	strcpy(config_try_path, "/tmp/bellpull-test-XXXXXX");
	fd = mkstemp(config_try_path);
	CHECK(fd >= 0);
	test_later(remove_file, NULL);
	CHECK_INT(write(fd, text, len), len);
	CHECK_INT(fchmod(fd, mode), 0);
	CHECK_INT(close(fd), 0);
	return 0;
}

int config_try_read(struct mbuf *mb, const char *path)
{
	FILE *f = fopen(path, "r");
	char buf[4096];
	size_t n;
	int err = 0;

	CHECK(f);
	while (!err && (n = fread(buf, 1, sizeof(buf), f)))
		err = mbuf_write_mem(mb, (uint8_t *)buf, n);
	(void)fclose(f);
	CHECK_OK(err);
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	--mb->end;
	return 0;
}
