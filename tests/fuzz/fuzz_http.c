/* What strangers write into a request: the target, Accept, Content-Type, Host, a
 * form. Whatever is taken is decoded text without control characters in the
 * path, the query has no name of a kind twice in memory it doesn't own, and a
 * form becomes JSON that is read. The first byte says which. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_inside.h"
#include "tests/fuzz/fuzz.h"

static void try_target(const char *text)
{
	static struct gw_http_req req;

	memset(&req, 0, sizeof(req));
	if (str_dup(&req.target, text))
		return;

	if (!gw_http_target_parse(&req).status) {
		ENSURE(gw_http_utf8_ok(req.path));
		ENSURE(!strpbrk(req.path, "\r\n\x01\x1f\x7f"));
		ENSURE(strlen(req.path) <= strlen(text) + 1);
		for (size_t i = 0; i < req.query_count; i++) {
			ENSURE(gw_http_utf8_ok(req.query[i].name));
			ENSURE(gw_http_utf8_ok(req.query[i].value));
		}
		ENSURE(!req.authority || gw_http_host_ok(req.authority));
	}

	mem_deref(req.scratch);
	mem_deref(req.target);
}

static void try_media(const char *text)
{
	enum gw_http_accept chosen;

	for (unsigned flags = 0; flags < 1024; flags += 16)
		(void)gw_http_accepts(&chosen, text, flags);
	(void)gw_http_content_type(text);
}

/* What can only be this machine is an authority, too. */
static void try_head(const char *text)
{
	struct gw_http_guard guard;

	ENSURE(!gw_http_host_is_local(text) || gw_http_host_ok(text));
	ENSURE(!gw_http_host_ok(text) || !strpbrk(text, " @/\r\n"));

	memset(&guard, 0, sizeof(guard));
	gw_http_guard_header(&guard, "Host", text);
	gw_http_guard_header(&guard, text, "a");
	(void)gw_http_guard_verdict(&guard, "HTTP/1.1");
}

static void try_form(const char *text, size_t len)
{
	struct mbuf *json = mbuf_alloc(64);
	struct gw_json_doc *doc = NULL;
	struct gw_json_error error;
	const char *why = NULL;
	int err;

	ENSURE(json);
	err = gw_http_form_to_json(json, text, len, &why);
	if (!err) {
		err = gw_json_parse(&doc, (const char *)json->buf, json->end,
				    GW_JSON_EXACT, &error);
		/* a field twice is the reader's to refuse, nothing else */
		ENSURE(!err || error.fault == GW_JSON_FAULT_DUPLICATE);
	} else {
		ENSURE(err == EBADMSG && why);
	}

	mem_deref(doc);
	mem_deref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;

	text = malloc(size);
	ENSURE(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';

	switch (data[0] % 4) {
	case 0:
		try_target(text);
		break;
	case 1:
		try_media(text);
		break;
	case 2:
		try_head(text);
		break;
	default:
		try_form(text, size - 1);
		break;
	}

	free(text);
	return 0;
}
