/* The HTTP face in process: handlers that answer now, later, never again, and
 * as a stream, with clients that stay and clients that leave. The client is a
 * thread with a plain socket; the loop runs here. */
#include <pthread.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"
#include "config/json.h"
#include "server/auth.h"
#include "server/http.h"
#include "server/log.h"
#include "server/loop.h"
#include "server/routes.h"
#include "tests/test.h"

enum { CLIENT_S = 5, REPLY_MAX = 16384 };

/* What the handlers have seen. Static: handlers know the request alone. */
static const uint8_t auth_secret[GW_AUTH_SECRET] = { 7 };

static struct {
	struct gw_http *http;
	struct gw_auth *auth;
	struct gw_config *cfg;
	struct gw_http_req *waiting;
	struct gw_http_stream *stream;
	struct tmr tmr;
	unsigned reads, gone, stream_gone;
	char seen[256];
} w;

static void see(struct gw_http_req *req)
{
	const struct gw_json *const to = gw_json_get(gw_http_json(req), "to");
	const char *const id = gw_http_param(req, "id");

	(void)re_snprintf(w.seen, sizeof(w.seen), "%s %s id=%s to=%s%s",
			  gw_http_method(req), gw_http_path(req), id ? id : "-",
			  to ? gw_json_string(to) : "-",
			  gw_http_is_form(req) ? " form" : "");
}

static void answer_now(struct gw_http_req *req)
{
	see(req);
	gw_http_reply_text(req, 200, "application/json", "{\"now\":true}");
}

static void do_later(void *arg)
{
	struct gw_http_req *req = arg;

	w.waiting = NULL;
	gw_http_reply_text(req, 201, "application/json", "{\"later\":true}");
}

static void answer_later(struct gw_http_req *req)
{
	see(req);
	gw_http_later(req);
	w.waiting = req;
	tmr_start(&w.tmr, 5, do_later, req);
}

static void answer_at_once_later(struct gw_http_req *req)
{
	gw_http_later(req);
	gw_http_reply_text(req, 200, "application/json", "{\"both\":true}");
}

static void on_gone(struct gw_http_req *req, void *arg)
{
	(void)arg;
	w.gone++;
	w.waiting = NULL;
	gw_http_problem(req, 503, "gone", NULL);
}

static void answer_never(struct gw_http_req *req)
{
	gw_http_later(req);
	gw_http_on_gone(req, on_gone, NULL);
	w.waiting = req;
}

/* Holds the request beyond the end of the server. */
static void answer_too_late(struct gw_http_req *req)
{
	gw_http_later(req);
	w.waiting = req;
}

static void forget_to_answer(struct gw_http_req *req)
{
	(void)req;
}

static int read_stream(uint8_t *buf, size_t size, void *arg)
{
	(void)arg;

	if (w.reads >= 3)
		return GW_HTTP_STREAM_END;
	if (w.reads % 2 || size < 2) {
		w.reads++;
		return 0; /* asleep until the timer wakes it */
	}
	w.reads++;
	buf[0] = 'x';
	buf[1] = '\n';
	return 2;
}

static void wake_stream(void *arg)
{
	(void)arg;
	if (w.stream)
		gw_http_stream_wake(w.stream);
	tmr_start(&w.tmr, 5, wake_stream, NULL);
}

static void stream_gone(void *arg)
{
	(void)arg;
	w.stream = NULL;
	w.stream_gone++;
}

static void answer_stream(struct gw_http_req *req)
{
	if (gw_http_stream(&w.stream, req, "text/event-stream", read_stream,
			   stream_gone, NULL))
		return;
	wake_stream(NULL);
}

static int sleep_for_ever(uint8_t *buf, size_t size, void *arg)
{
	(void)arg;
	if (w.reads++ || size < 2)
		return 0;
	buf[0] = 'x';
	buf[1] = '\n';
	return 2;
}

static void answer_endless_stream(struct gw_http_req *req)
{
	(void)gw_http_stream(&w.stream, req, "text/event-stream",
			     sleep_for_ever, stream_gone, NULL);
}

enum { BODY = GW_ROUTE_JSON | GW_ROUTE_FORM };

static const struct gw_route routes[] = {
	{ GW_GET, "/now/{id}", "now", NULL, answer_now, 0, NULL },
	{ GW_POST, "/now", "postNow", NULL, answer_now, BODY, NULL },
	{ GW_POST, "/later", "later", NULL, answer_later, BODY, NULL },
	{ GW_GET, "/both", "both", NULL, answer_at_once_later, 0, NULL },
	{ GW_GET, "/never", "never", NULL, answer_never, 0, NULL },
	{ GW_GET, "/late", "late", NULL, answer_too_late, 0, NULL },
	{ GW_GET, "/forget", "forget", NULL, forget_to_answer, 0, NULL },
	{ GW_GET, "/stream", "stream", NULL, answer_stream, GW_ROUTE_EVENTS,
	  NULL },
	{ GW_GET, "/endless", "endless", NULL, answer_endless_stream,
	  GW_ROUTE_EVENTS, NULL },
};

/* The world. -------------------------------------------------------------- */

static void world_close(void *arg)
{
	(void)arg;

	tmr_cancel(&w.tmr);
	gw_http_close(w.http);
	w.http = mem_deref(w.http);
	w.auth = mem_deref(w.auth);
	w.cfg = mem_deref(w.cfg);
	gw_loop_close();
}

static int world_open(void)
{
	static const char text[] = "{\"http\":{\"listen\":[\"127.0.0.1:0\"]}}";
	static struct gw_config_errors errs;
	struct gw_http_cfg cfg;
	char why[256];
	int err;

	memset(&w, 0, sizeof(w));
	gw_log_set_level(GW_LOG_ERROR);
	test_later(world_close, NULL);

	err = gw_loop_init();
	if (!err)
		err = gw_config_parse(&w.cfg, text, sizeof(text) - 1, &errs);
	if (!err)
		err = gw_auth_alloc(&w.auth, w.cfg, auth_secret);
	if (err)
		return err;

	cfg = (struct gw_http_cfg){
		.config = w.cfg,
		.auth = w.auth,
		.routes = routes,
		.route_count = ARRAY_SIZE(routes),
	};
	return gw_http_open(&w.http, &cfg, why, sizeof(why));
}

/* The client. ------------------------------------------------------------- */

struct client {
	const char *send;
	const char *until; /* what it waits for; NULL: leaves at once */
	char reply[REPLY_MAX];
	size_t len;
	uint16_t port;
	bool over;
	struct gw_loop_note note;
};

static void client_over(void *arg)
{
	struct client *c = arg;

	c->over = true;
}

static void talk(struct client *c, int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	(void)send(fd, c->send, strlen(c->send), MSG_NOSIGNAL);
	while (c->until && !strstr(c->reply, c->until) &&
	       c->len < REPLY_MAX - 1) {
		const ssize_t n =
			recv(fd, c->reply + c->len, REPLY_MAX - 1 - c->len, 0);

		if (n <= 0)
			break;
		c->len += (size_t)n;
	}
	/* one that doesn't wait leaves with a reset, which the server notices */
	if (!c->until) {
		(void)usleep(50000);
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset,
				 sizeof(reset));
	}
}

static void *client_thread(void *arg)
{
	const struct timeval patience = { .tv_sec = CLIENT_S };
	struct client *c = arg;
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(c->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			 sizeof(patience));
	if (!connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		talk(c, fd);
	(void)close(fd);

	c->note.fn = client_over;
	c->note.arg = c;
	gw_loop_post_note(&c->note);
	return NULL;
}

static bool is_over(void *arg)
{
	return ((struct client *)arg)->over;
}

static struct client c;

/* Sends text and waits for until, while the loop runs. */
static int client_say(const char *text, const char *until)
{
	pthread_t thread;
	int err;

	memset(&c, 0, sizeof(c));
	c.send = text;
	c.until = until;
	c.port = gw_http_port(w.http, 0);

	err = pthread_create(&thread, NULL, client_thread, &c);
	if (err)
		return err;
	err = test_run_until(is_over, &c, (CLIENT_S + 2) * 1000);
	(void)pthread_join(thread, NULL);
	gw_loop_drain();

	return err;
}

/* Closed after the reply: also one that isn't the expected one ends the wait. */
#define HOST      "Host: localhost\r\nConnection: close\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static int test_http_answers_now(void)
{
	CHECK_OK(world_open());
	CHECK_OK(client_say(GET("/now/7%20a"), "{\"now\":true}"));
	CHECK(!strncmp(c.reply, "HTTP/1.1 200 ", 13));
	CHECK_STR(w.seen, "GET /now/7 a id=7 a to=-");

	return 0;
}
TEST(test_http_answers_now);

static int test_http_hands_bodies_over(void)
{
	CHECK_OK(world_open());
	CHECK_OK(client_say("POST /now HTTP/1.1\r\n" HOST
			    "Content-Type: application/json\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n"
			    "5\r\n{\"to\"\r\n6\r\n:\"853\"\r\n1\r\n}\r\n"
			    "0\r\n\r\n",
			    "{\"now\":true}"));
	CHECK_STR(w.seen, "POST /now id=- to=853");

	CHECK_OK(client_say("POST /now HTTP/1.1\r\n" HOST
			    "Content-Type: application/x-www-form-urlencoded"
			    "\r\nContent-Length: 6\r\n\r\nto=854",
			    "{\"now\":true}"));
	CHECK_STR(w.seen, "POST /now id=- to=854 form");

	return 0;
}
TEST(test_http_hands_bodies_over);

static int test_http_answers_later(void)
{
	CHECK_OK(world_open());
	CHECK_OK(client_say("POST /later HTTP/1.1\r\n" HOST
			    "Content-Type: application/json\r\n"
			    "Content-Length: 2\r\n\r\n{}",
			    "{\"later\":true}"));
	CHECK(!strncmp(c.reply, "HTTP/1.1 201 ", 13));
	CHECK(!w.waiting);

	return 0;
}
TEST(test_http_answers_later);

static int test_http_answers_later_at_once(void)
{
	CHECK_OK(world_open());
	CHECK_OK(client_say(GET("/both"), "{\"both\":true}"));

	return 0;
}
TEST(test_http_answers_later_at_once);

static int test_http_survives_a_forgetful_handler(void)
{
	CHECK_OK(world_open());
	CHECK_OK(client_say(GET("/forget"), "internal_error"));
	CHECK(!strncmp(c.reply, "HTTP/1.1 500 ", 13));

	return 0;
}
TEST(test_http_survives_a_forgetful_handler);

static bool was_told_gone(void *arg)
{
	(void)arg;
	return w.gone > 0;
}

/* The client leaves while its answer is waited for. */
static int test_http_tells_when_nobody_waits(void)
{
	CHECK_OK(world_open());
	CHECK_OK(client_say(GET("/never"), NULL));
	CHECK_OK(test_run_until(was_told_gone, NULL, 5000));
	CHECK_INT(w.gone, 1);

	return 0;
}
TEST_WITHOUT_OOM(test_http_tells_when_nobody_waits,
		 "waits a second for the watchdog, each time");

/* The server ends while a handler owes an answer: the client is told, and the
 * handler's own answer, later, goes nowhere without harm. */
static int test_http_ends_under_a_waiting_handler(void)
{
	struct gw_http_req *req;

	CHECK_OK(world_open());
	CHECK_OK(client_say(GET("/late"), NULL));
	req = w.waiting;
	if (req) {
		CHECK_STR(gw_http_path(req), "/late");
		gw_http_close(w.http);
		gw_http_reply_text(req, 200, "application/json", "{}");
	}

	return 0;
}
TEST(test_http_ends_under_a_waiting_handler);

static int test_http_streams(void)
{
	CHECK_OK(world_open());
	CHECK_OK(client_say(GET("/stream"), "\r\n0\r\n\r\n"));
	CHECK(strstr(c.reply, "Transfer-Encoding: chunked"));
	CHECK(strstr(c.reply, "\r\n2\r\nx\n\r\n2\r\nx\n\r\n0\r\n\r\n"));
	CHECK_INT(w.stream_gone, 1);

	return 0;
}
TEST(test_http_streams);

static int test_http_ends_a_sleeping_stream(void)
{
	CHECK_OK(world_open());
	CHECK_OK(client_say(GET("/endless"), "x\n"));
	CHECK(w.stream);
	CHECK_INT(w.stream_gone, 0);

	gw_http_close(w.http);
	CHECK_INT(w.stream_gone, 1);
	CHECK(!w.stream);

	return 0;
}
TEST(test_http_ends_a_sleeping_stream);

static int test_http_cuts_a_stream(void)
{
	struct gw_http_stats stats;

	CHECK_OK(world_open());
	CHECK_OK(client_say(GET("/endless"), "x\n"));
	CHECK(w.stream);
	gw_http_stream_cut(w.stream);
	CHECK_OK(client_say(GET("/now/1"), "true"));
	CHECK_INT(w.stream_gone, 1);
	gw_http_stats(w.http, &stats);
	CHECK_INT(stats.streams, 0);

	return 0;
}
TEST(test_http_cuts_a_stream);

static int test_http_refuses_to_listen_without_keys(void)
{
	static const char text[] = "{\"http\":{\"listen\":[\"0.0.0.0:0\"]}}";
	static struct gw_config_errors errs;
	OWNED struct gw_config *cfg = NULL;
	OWNED struct gw_auth *auth = NULL;
	struct gw_http_cfg http_cfg = { .routes = routes, .route_count = 1 };
	struct gw_http *http = NULL;
	char why[256] = "";
	int err;

	err = gw_config_parse(&cfg, text, sizeof(text) - 1, &errs);
	if (err == EINVAL)
		return 0; /* refused even earlier */
	CHECK_OK(err);
	CHECK_OK(gw_auth_alloc(&auth, cfg, auth_secret));
	http_cfg.config = cfg;
	http_cfg.auth = auth;

	CHECK_ERR(gw_http_open(&http, &http_cfg, why, sizeof(why)), EPERM);
	CHECK(strstr(why, "keys"));
	CHECK(!http);

	return 0;
}
TEST(test_http_refuses_to_listen_without_keys);
