/* The pure parts of the HTTP face: what may stand in a head, targets, media
 * types, routes, forms. */
#include "server/http_inside.h"
#include "tests/test.h"

/* Headers "Name: value\n"... to a verdict. */
static unsigned verdict_of(const char *headers, const char *version)
{
	struct gw_http_guard guard;
	char name[64], value[64];
	int n = 0;

	memset(&guard, 0, sizeof(guard));
	guard.bytes = 20;
	/* the guard borrows host and encoding: one of each is kept */
	static char host[64], encoding[64];

	while (sscanf(headers, "%63[^:\n]: %63[^\n]\n%n", name, value, &n) ==
	       2) {
		char *kept = value;

		if (!strcasecmp(name, "Host"))
			kept = strcpy(host, value);
		else if (!strcasecmp(name, "Transfer-Encoding"))
			kept = strcpy(encoding, value);
		gw_http_guard_header(&guard, name, kept);
		headers += n;
	}

	return gw_http_guard_verdict(&guard, version).status;
}

static int test_http_guard_verdicts(void)
{
	static const struct {
		const char *headers, *version;
		unsigned status;
	} rows[] = {
		{ "Host: a\n", "HTTP/1.1", 0 },
		{ "host: a\ncontent-length: 3\n", "HTTP/1.1", 0 },
		{ "Host: a\nTransfer-Encoding: Chunked\n", "HTTP/1.1", 0 },
		{ "", "HTTP/1.0", 0 },
		{ "", "HTTP/1.1", 400 },
		{ "Host: a\nHost: a\n", "HTTP/1.1", 400 },
		{ "Host: a b\n", "HTTP/1.1", 400 },
		{ "Host: a\nContent-Length: 3\nContent-Length: 3\n", "HTTP/1.1",
		  400 },
		{ "Host: a\nContent-Length: 3\nTransfer-Encoding: chunked\n",
		  "HTTP/1.1", 400 },
		{ "Host: a\nTransfer-Encoding: chunked\n", "HTTP/1.0", 400 },
		{ "Host: a\nTransfer-Encoding: gzip, chunked\n", "HTTP/1.1",
		  501 },
		{ "Host: a\nX A: b\n", "HTTP/1.1", 400 },
		{ "Host: a\nX-A : b\n", "HTTP/1.1", 400 },
		{ "Host: a\nX-A: b\rc\n", "HTTP/1.1", 400 },
		{ "Host: a\nX-A: b\tc\n", "HTTP/1.1", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(verdict_of(rows[i].headers, rows[i].version),
			  rows[i].status);

	return 0;
}
TEST(test_http_guard_verdicts);

static int test_http_guard_weighs_the_head(void)
{
	struct gw_http_guard guard = { .hosts = 1, .host = "a" };

	guard.bytes = GW_HTTP_HEAD_MAX;
	CHECK_INT(gw_http_guard_verdict(&guard, "HTTP/1.1").status, 0);
	guard.bytes++;
	CHECK_INT(gw_http_guard_verdict(&guard, "HTTP/1.1").status, 431);

	return 0;
}
TEST(test_http_guard_weighs_the_head);

static int test_http_hosts_of_this_machine(void)
{
	static const char *const local[] = { "localhost", "LocalHost:80",
					     "127.0.0.1", "127.255.0.3:1",
					     "[::1]",     "[::1]:8080" };
	static const char *const foreign[] = {
		"",
		"localhost.",
		"localhost.evil.example",
		"127.0.0.1.",
		"127.1",
		"128.0.0.1",
		"[::2]",
		"[::1",
		"::1",
		"a@localhost",
		"2130706433",
		"0.0.0.0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		CHECK(gw_http_host_is_local(local[i]));
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		CHECK(!gw_http_host_is_local(foreign[i]));

	return 0;
}
TEST(test_http_hosts_of_this_machine);

static void req_reset(void *arg)
{
	struct gw_http_req *req = arg;

	req->target = mem_deref(req->target);
	req->scratch = mem_deref(req->scratch);
}

static int target_parse(struct gw_http_req *req, const char *target)
{
	req_reset(req);
	memset(req, 0, sizeof(*req));
	if (str_dup(&req->target, target))
		return 503;

	return (int)gw_http_target_parse(req).status;
}

static int test_http_target_is_decoded_once(void)
{
	static struct gw_http_req req;

	memset(&req, 0, sizeof(req));
	test_later(req_reset, &req);

	CHECK_INT(target_parse(&req, "/calls/a%20b?to=%2B49+30&x&=1&&y="), 0);
	CHECK_STR(req.path, "/calls/a b");
	CHECK_INT(req.query_count, 4);
	CHECK_STR(gw_http_query(&req, "to"), "+49 30");
	CHECK_STR(gw_http_query(&req, "x"), "");
	CHECK_STR(gw_http_query(&req, "y"), "");
	CHECK_STR(gw_http_query(&req, "z"), NULL);

	CHECK_INT(target_parse(&req, "/%2561"), 0);
	CHECK_STR(req.path, "/%61");

	CHECK_INT(target_parse(&req, "HTTP://localhost:80/a?b=c"), 0);
	CHECK_STR(req.authority, "localhost:80");
	CHECK_STR(req.path, "/a");
	CHECK_STR(gw_http_query(&req, "b"), "c");

	CHECK_INT(target_parse(&req, "https://[::1]"), 0);
	CHECK_STR(req.path, "/");

	return 0;
}
TEST(test_http_target_is_decoded_once);

static int test_http_target_refuses(void)
{
	static struct gw_http_req req;
	static const char *const bad[] = {
		"",
		"/ a",
		"/\x01",
		"/\xc3\xbc",
		"/%",
		"/%4",
		"/%zz",
		"/%00",
		"/%0a",
		"/a%2fb",
		"/a%2Fb",
		"/%ff",
		"/?a=%00",
		"/?a=%ff",
		"/?%0d=1",
		"http://a@b/",
		"http:///",
		"/?a=%7f",
		"/?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17",
	};

	memset(&req, 0, sizeof(req));
	test_later(req_reset, &req);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(target_parse(&req, bad[i]), 400);

	return 0;
}
TEST(test_http_target_refuses);

static int test_http_utf8(void)
{
	CHECK(gw_http_utf8_ok("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"));
	CHECK(!gw_http_utf8_ok("\xc0\xaf"));
	CHECK(!gw_http_utf8_ok("\xe0\x80\xaf"));
	CHECK(!gw_http_utf8_ok("\xed\xa0\x80"));
	CHECK(!gw_http_utf8_ok("\xf4\x90\x80\x80"));
	CHECK(!gw_http_utf8_ok("\xe2\x82"));
	CHECK(!gw_http_utf8_ok("\x80"));

	return 0;
}
TEST(test_http_utf8);

/* Accept, flags of the route, what is chosen; -1: nothing. */
static int test_http_accept(void)
{
	enum { STREAM = GW_ROUTE_EVENTS, ONLY = STREAM | GW_ROUTE_NO_JSON };
	static const struct {
		const char *accept;
		unsigned flags;
		int chosen;
	} rows[] = {
		{ NULL, 0, GW_HTTP_JSON },
		{ "", 0, GW_HTTP_JSON },
		{ "*/*", 0, GW_HTTP_JSON },
		{ "application/*", 0, GW_HTTP_JSON },
		{ "APPLICATION/JSON", 0, GW_HTTP_JSON },
		{ "text/html", 0, -1 },
		{ "application/json;q=0", 0, -1 },
		{ "*/*, application/json;q=0.000", 0, -1 },
		{ "application/json;q=0.001", 0, GW_HTTP_JSON },
		{ "application/json;v=\",;q=0\";q=1", 0, GW_HTTP_JSON },
		{ "*/*", GW_ROUTE_HTML, GW_HTTP_JSON },
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,"
		  "*/*;q=0.8",
		  GW_ROUTE_HTML, GW_HTTP_HTML },
		{ "text/html;q=0.5, application/json", GW_ROUTE_HTML,
		  GW_HTTP_JSON },
		{ "*/*", STREAM, GW_HTTP_EVENTS },
		{ "text/event-stream", STREAM, GW_HTTP_EVENTS },
		{ "application/json", STREAM, GW_HTTP_JSON },
		{ "application/json", ONLY, -1 },
		{ "text/*", ONLY, GW_HTTP_EVENTS },
		{ "text/plain", GW_ROUTE_TEXT | GW_ROUTE_NO_JSON,
		  GW_HTTP_JSON },
		{ ", ,", 0, -1 },
		{ ";;;q", 0, -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum gw_http_accept got = GW_HTTP_JSON;
		const bool any =
			gw_http_accepts(&got, rows[i].accept, rows[i].flags);

		CHECK_INT(any ? (int)got : -1, rows[i].chosen);
	}

	return 0;
}
TEST(test_http_accept);

static int test_http_content_type(void)
{
	static const struct {
		const char *value;
		enum gw_http_type type;
	} rows[] = {
		{ "application/json", GW_HTTP_TYPE_JSON },
		{ " Application/JSON ; charset=\"utf-8\"", GW_HTTP_TYPE_JSON },
		{ "application/json;a=b;charset=UTF8 ", GW_HTTP_TYPE_JSON },
		{ "application/json;charset=latin1", GW_HTTP_TYPE_CHARSET },
		{ "application/x-www-form-urlencoded", GW_HTTP_TYPE_FORM },
		{ "application/jsonx", GW_HTTP_TYPE_OTHER },
		{ "text/plain", GW_HTTP_TYPE_OTHER },
		{ "", GW_HTTP_TYPE_OTHER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(gw_http_content_type(rows[i].value), rows[i].type);

	return 0;
}
TEST(test_http_content_type);

static const struct gw_route few[] = {
	{ .method = GW_GET, .path = "/" },
	{ .method = GW_POST, .path = "/calls" },
	{ .method = GW_GET, .path = "/calls" },
	{ .method = GW_GET, .path = "/calls/{id}" },
	{ .method = GW_DELETE, .path = "/calls/{id}" },
	{ .method = GW_GET, .path = "/calls/{id}/events", .flags = 8 },
	{ .method = GW_GET, .path = "/{a}/of/{b}" },
	{ .method = GW_GET, .path = "/d/{s}.json" },
};

static int test_http_route(void)
{
	static const struct {
		const char *path;
		unsigned method;
		int row; /* -1: none */
		unsigned allowed;
	} rows[] = {
		{ "/", GW_GET, 0, GW_GET },
		{ "/calls", GW_GET, 2, GW_GET | GW_POST },
		{ "/calls", GW_POST, 1, GW_GET | GW_POST },
		{ "/calls", GW_DELETE, -1, GW_GET | GW_POST },
		{ "/calls/x", GW_DELETE, 4, GW_GET | GW_DELETE },
		{ "/calls/x/events", GW_GET, 5, GW_GET },
		{ "/x/of/y", GW_GET, 6, GW_GET },
		{ "/d/x.json", GW_GET, 7, GW_GET },
		{ "/d/x.xml", GW_GET, -1, 0 },
		{ "/d/x", GW_GET, -1, 0 },
		{ "/d/.json", GW_GET, -1, 0 },
		{ "/calls/", GW_GET, -1, 0 },
		{ "/calls//events", GW_GET, -1, 0 },
		{ "/calls/x/", GW_GET, -1, 0 },
		{ "calls", GW_GET, -1, 0 },
		{ "", GW_GET, -1, 0 },
		{ "//", GW_GET, -1, 0 },
		{ "/call", GW_GET, -1, 0 },
	};
	struct gw_route_match m;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gw_http_route_match(&m, few, ARRAY_SIZE(few), rows[i].path,
				    rows[i].method);
		CHECK_INT(m.route ? m.route - few : -1, rows[i].row);
		CHECK_INT(m.allowed, rows[i].allowed);
	}

	gw_http_route_match(&m, few, ARRAY_SIZE(few), "/x/of/yes", GW_GET);
	CHECK_INT(m.param_count, 2);
	CHECK(m.params[1].value_len == 3 &&
	      !memcmp(m.params[1].value, "yes", 3));
	CHECK(m.params[1].name_len == 1 && *m.params[1].name == 'b');

	gw_http_route_match(&m, few, ARRAY_SIZE(few), "/d/CA1.json", GW_GET);
	CHECK_INT(m.param_count, 1);
	CHECK(m.params[0].value_len == 3 &&
	      !memcmp(m.params[0].value, "CA1", 3));
	CHECK(m.params[0].name_len == 1 && *m.params[0].name == 's');

	return 0;
}
TEST(test_http_route);

static int test_http_allow(void)
{
	char text[64];

	gw_http_allow(text, sizeof(text), GW_GET | GW_POST, true);
	CHECK_STR(text, "GET, HEAD, POST, OPTIONS");
	gw_http_allow(text, sizeof(text), GW_GET, false);
	CHECK_STR(text, "GET, OPTIONS");
	gw_http_allow(text, sizeof(text), GW_DELETE, true);
	CHECK_STR(text, "DELETE, OPTIONS");

	return 0;
}
TEST(test_http_allow);

/* The JSON of a form, "-" if refused. */
static int form(struct mbuf *mb, const char *text)
{
	const char *why = NULL;
	int err;

	mbuf_rewind(mb);
	err = gw_http_form_to_json(mb, text, strlen(text), &why);
	if (err == EBADMSG) {
		mbuf_rewind(mb);
		err = why ? mbuf_write_str(mb, "-") : EINVAL;
	}

	return err ? err : mbuf_write_u8(mb, 0);
}

static int test_http_form_becomes_json(void)
{
	static const struct {
		const char *form, *json;
	} rows[] = {
		{ "", "{}" },
		{ "&&", "{}" },
		{ "to=853", "{\"to\":\"853\"}" },
		{ "a=&b", "{\"a\":\"\",\"b\":\"\"}" },
		{ "a=1=2&c+d=e+%2B", "{\"a\":\"1=2\",\"c d\":\"e +\"}" },
		{ "a=%22%5c", "{\"a\":\"\\\"\\\\\"}" },
		{ "=1", "-" },
		{ "a[b]=1", "-" },
		{ "a=%0", "-" },
		{ "a=%00", "-" },
		{ "a=%ff", "-" },
	};
	OWNED struct mbuf *mb = mbuf_alloc(64);

	CHECK(mb);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_OK(form(mb, rows[i].form));
		CHECK_STR((const char *)mb->buf, rows[i].json);
	}

	return 0;
}
TEST(test_http_form_becomes_json);
