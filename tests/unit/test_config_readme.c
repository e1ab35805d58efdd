/* The configurations that README.md shows: who copies one must be able to
 * start with it. The secrets that they refer to are provided. */
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

/* The text between "```json" and "```" from p on; *lenp is its length. NULL:
 * there is no more. */
static const char *next_block(const char *p, size_t *lenp)
{
	static const char begin[] = "```json\n";
	const char *end;

	p = strstr(p, begin);
	if (!p)
		return NULL;

	p += strlen(begin);
	end = strstr(p, "```");
	*lenp = end ? (size_t)(end - p) : strlen(p);
	return p;
}

/* Copies text; each file that a secret lies in becomes the one of this test. */
static int with_password_file(struct mbuf *mb, const char *text, size_t len)
{
	static const char place[] = "\"file:";
	const char *end = text + len, *p;

	while ((p = strstr(text, place)) && p < end) {
		p += strlen(place);
		CHECK_OK(mbuf_write_mem(mb, (const uint8_t *)text,
					(size_t)(p - text)));
		CHECK_OK(mbuf_write_str(mb, config_try_path));
		text = p + strcspn(p, "\"");
	}

	CHECK_OK(mbuf_write_mem(mb, (const uint8_t *)text,
				(size_t)(end - text)));
	return 0;
}

/* Sets each variable that a secret lies in. */
static int set_variables(const struct mbuf *mb)
{
	static char names[8][64];
	static const char place[] = "\"env:";
	const char *p = (const char *)mb->buf;
	size_t i;

	for (i = 0; (p = strstr(p, place)); i++) {
		CHECK(i < ARRAY_SIZE(names));
		p += strlen(place);
		(void)snprintf(names[i], sizeof(names[i]), "%.*s",
			       (int)strcspn(p, "\""), p);
		config_try_set(names[i], "a secret of the test");
	}

	return 0;
}

static int try_block(const char *text, size_t len)
{
	OWNED struct gw_config *cfg = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(4096);
	struct gw_config_errors errs;
	int err;

	CHECK(mb);
	if (with_password_file(mb, text, len))
		return 1;
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	if (set_variables(mb))
		return 1;

	err = gw_config_parse(&cfg, (char *)mb->buf, mb->end - 1, &errs);
	CHECK_STR(errs.count ? errs.list[0].text : NULL, NULL);
	CHECK_OK(err);
	CHECK(cfg->line_count > 0);
	return 0;
}

static int test_config_readme_examples_load(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(16384);
	const char *block;
	size_t len, tried = 0;

	CHECK(mb);
	if (config_try_read(mb, "README.md"))
		return 1;
	if (config_try_file("a secret of the test\n", 21, 0600))
		return 1;

	for (block = (const char *)mb->buf; (block = next_block(block, &len));
	     block += len) {
		if (!memmem(block, len, "\"lines\"", 7))
			continue;
		++tried;
		if (try_block(block, len))
			return 1;
	}

	CHECK(tried >= 2);
	return 0;
}
TEST(test_config_readme_examples_load);
