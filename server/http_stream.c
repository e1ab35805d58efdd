/* Bodies that grow: the server's side of an event stream.
 *
 *      readh gives bytes            readh gives 0
 *   READING ------------> READING ----------------> ASLEEP (suspended)
 *      ^                                              |
 *      +------------- gw_http_stream_wake() ----------+
 *
 * A sleeping stream costs nothing: libmicrohttpd doesn't look at it, not even
 * for its end, so its owner must wake it now and then (a heartbeat) to learn
 * whether anybody is still there. An awake one is under libmicrohttpd's idle
 * timeout, which cuts a reader that doesn't read. */
#include <errno.h>

#include "server/clock.h"
#include "server/http_inside.h"
#include "server/key.h"

/* For HTTP/1.0 and for bodies whose length is known; chunks are written into the
 * connection's own memory. */
enum {
	BLOCK_SIZE = 1024,
	BIG_BLOCK_SIZE = 32 << 10,
};

struct gw_http_stream {
	struct le le;
	struct gw_http_req *req; /* NULL: over */
	const struct gw_key *key;
	gw_http_read_h *readh;
	gw_http_stream_gone_h *goneh; /* NULL: was told */
	void *arg;
	bool asleep;
	bool cut;
};

static void stream_destructor(void *arg)
{
	struct gw_http_stream *s = arg;

	list_unlink(&s->le);
	mem_deref((void *)(uintptr_t)s->key);
}

static ssize_t read_some(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct gw_http_stream *s = arg;
	int n;

	(void)pos;

	if (s->cut || !s->req)
		return MHD_CONTENT_READER_END_WITH_ERROR;

	n = s->readh((uint8_t *)buf, max, s->arg);
	if (n > 0)
		return n;
	if (n == GW_HTTP_STREAM_END || s->req->http->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;

	s->asleep = true;
	MHD_suspend_connection(s->req->con);

	return 0;
}

static void response_over(void *arg)
{
	mem_deref(arg);
}

/* The request is over: so is the stream, whoever ended it. */
void gw_http_stream_over(struct gw_http_stream *s)
{
	gw_http_stream_gone_h *const goneh = s->goneh;

	s->req = NULL;
	s->goneh = NULL;
	s->asleep = false;
	list_unlink(&s->le);

	if (goneh)
		goneh(s->arg);
	mem_deref(s);
}

static int open_stream(struct gw_http_stream **streamp, struct gw_http_req *req,
		       const char *content_type, uint64_t size,
		       gw_http_read_h *readh, gw_http_stream_gone_h *goneh,
		       void *arg)
{
	struct gw_http_stream *s;
	struct MHD_Response *response;

	if (req->stage >= GW_STAGE_ANSWERED) {
		gw_http_answer(req, 200, NULL); /* pays a debt, to nobody */
		return ECONNRESET;
	}

	s = mem_zalloc(sizeof(*s), stream_destructor);
	if (!s)
		goto nomem;

	response = MHD_create_response_from_callback(
		size, size == MHD_SIZE_UNKNOWN ? BLOCK_SIZE : BIG_BLOCK_SIZE,
		read_some, s, response_over);
	if (!response)
		goto nomem;

	/* two references: the response's and the request's */
	mem_ref(s);
	s->req = req;
	s->key = mem_ref((void *)(uintptr_t)req->key);
	s->readh = readh;
	s->goneh = goneh;
	s->arg = arg;
	list_append(&req->http->streams, &s->le, s);
	req->stream = s;

	(void)MHD_add_response_header(response, "Content-Type", content_type);
	gw_http_stamp(req, response);

	*streamp = s;
	gw_http_answer(req, 200, response);
	return 0;

nomem:
	mem_deref(s);
	gw_http_problem(req, 503, "memory", "out of memory");
	return ENOMEM;
}

int gw_http_stream(struct gw_http_stream **streamp, struct gw_http_req *req,
		   const char *content_type, gw_http_read_h *readh,
		   gw_http_stream_gone_h *goneh, void *arg)
{
	return open_stream(streamp, req, content_type, MHD_SIZE_UNKNOWN, readh,
			   goneh, arg);
}

int gw_http_stream_sized(struct gw_http_stream **streamp,
			 struct gw_http_req *req, const char *content_type,
			 uint64_t size, gw_http_read_h *readh,
			 gw_http_stream_gone_h *goneh, void *arg)
{
	return open_stream(streamp, req, content_type, size, readh, goneh, arg);
}

void gw_http_stream_wake(struct gw_http_stream *s)
{
	if (!s->asleep)
		return;

	s->asleep = false;
	MHD_resume_connection(s->req->con);
	gw_http_kick(s->req->listener);
}

void gw_http_stream_cut(struct gw_http_stream *s)
{
	s->cut = true;
	gw_http_stream_wake(s);
}

void gw_http_streams_end(struct gw_http *http)
{
	struct le *le;

	LIST_FOREACH(&http->streams, le)
		gw_http_stream_wake(le->data);
}

void gw_http_streams_cut(struct gw_http *http)
{
	const int64_t now_ms = gw_clock_ms();
	struct le *le = http->streams.head;

	while (le) {
		struct gw_http_stream *s = le->data;

		le = le->next;
		if (gw_key_is_over(s->key, now_ms))
			gw_http_stream_cut(s);
	}
}

const struct gw_key *gw_http_stream_key(const struct gw_http_stream *s)
{
	return s->key;
}
