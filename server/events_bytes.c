/* The bytes of an event: what is stored of it, and what all who are told read. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <re.h>

#include "server/events_impl.h"

enum { HEAD_SIZE = 256 };

/* Before it is on disk -------------------------------------------------------- */

const char *gw_events_time(char buf[GW_TIME_SIZE], int64_t ms)
{
	static time_t known = -1;
	static char text[GW_TIME_SIZE];
	const time_t sec = (time_t)(ms / 1000);
	struct tm tm;

	if (sec != known) {
		if (!gmtime_r(&sec, &tm) ||
		    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
			str_ncpy(text, "1970-01-01T00:00:00", sizeof(text));
		known = sec;
	}

	(void)snprintf(buf, GW_TIME_SIZE, "%.19s.%03uZ", text,
		       (unsigned)(ms % 1000) % 1000);
	return buf;
}

static int write_quoted(struct mbuf *mb, const char *name, const char *text)
{
	int err;

	err = mbuf_write_str(mb, ",\"");
	err |= mbuf_write_str(mb, name);
	err |= mbuf_write_str(mb, "\":");
	if (!text)
		return err | mbuf_write_str(mb, "null");

	err |= mbuf_write_u8(mb, '"');
	err |= mbuf_write_str(mb, text);
	err |= mbuf_write_u8(mb, '"');
	return err;
}

static int write_seq(struct mbuf *mb, int64_t seq)
{
	char text[40];

	if (seq < 0)
		return mbuf_write_str(mb, ",\"seq\":null");

	(void)snprintf(text, sizeof(text), ",\"seq\":%" PRId64, seq);
	return mbuf_write_str(mb, text);
}

/* Everything behind `{"id":N`; see gw_store_event for the open end. */
int gw_event_encode(struct gw_store_event *ev, const struct gw_news *news,
		    const struct mbuf *snapshot)
{
	const size_t len = snapshot ? snapshot->end : 0;
	char at[GW_TIME_SIZE];
	struct mbuf *mb;
	int err;

	if (snapshot && (!len || snapshot->buf[len - 1] != '}'))
		return EINVAL;

	mb = mbuf_alloc(HEAD_SIZE + news->data_len + len);
	if (!mb)
		return ENOMEM;

	err = write_quoted(mb, "type", news->type);
	err |= write_quoted(mb, "occurred_at", gw_events_time(at, news->at_ms));
	err |= write_quoted(mb, "call_id", news->call_id);
	err |= write_quoted(mb, "leg", news->leg);
	err |= write_seq(mb, news->seq);
	err |= mbuf_write_str(mb, ",\"data\":");
	if (news->data)
		err |= mbuf_write_mem(mb, (const uint8_t *)news->data,
				      news->data_len);
	else
		err |= mbuf_write_str(mb, "{}");

	if (snapshot) {
		err |= mbuf_write_str(mb, ",\"call\":");
		ev->snapshot_at = mb->pos;
		err |= mbuf_write_mem(mb, snapshot->buf, len - 1);
		err |= mbuf_write_str(mb, ",\"last_event_id\":");
	} else {
		err |= mbuf_write_str(mb, ",\"call\":null}");
	}

	if (err) {
		mem_deref(mb);
		return ENOMEM;
	}
	ev->suffix = mb;
	return 0;
}

/* Once it is ------------------------------------------------------------------ */

static void blank_out(char *at, size_t len, char c)
{
	char *end = at + len;

	while ((at = memchr(at, c, (size_t)(end - at))))
		*at++ = ' ';
}

/* The stream's lines are whole with the JSON at json. A line break between two
 * values means nothing to JSON, but would end the stream's data line. */
static void end_frame(struct gw_event *ev, char *json, size_t json_len)
{
	blank_out(json, json_len, '\n');
	blank_out(json, json_len, '\r');
	memcpy(json + json_len, "\n\n", 3);
	ev->json_len = json_len;
	ev->frame_len = (size_t)(json - ev->frame) + json_len + 2;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copies text to *atp and moves that on. */
static const char *put_text(char **atp, const char *text)
{
	const size_t size = text_size(text);
	char *at = *atp;

	if (!text)
		return NULL;

	memcpy(at, text, size);
	*atp = at + size;
	return at;
}

/* One piece of memory: the struct, its texts, the frame with room for json_len.
 * *atp is where the JSON goes. */
static int alloc_event(struct gw_event **evp, char **atp,
		       const struct gw_event_facts *facts, size_t json_len)
{
	const size_t texts = text_size(facts->type) +
			     text_size(facts->project) + text_size(facts->key) +
			     text_size(facts->line);
	char head[HEAD_SIZE];
	struct gw_event *ev;
	char *at;
	int n;

	n = snprintf(head, sizeof(head),
		     "id: %" PRIu64 "\nevent: %s\ndata: ", facts->id,
		     facts->type);
	if (n < 0 || (size_t)n >= sizeof(head))
		return EINVAL;

	ev = mem_zalloc(sizeof(*ev) + texts + (size_t)n + json_len + 3, NULL);
	if (!ev)
		return ENOMEM;

	at = (char *)(ev + 1);
	ev->type = put_text(&at, facts->type);
	ev->project = put_text(&at, facts->project);
	ev->key = put_text(&at, facts->key);
	ev->line = put_text(&at, facts->line);
	ev->id = facts->id;
	ev->seq = facts->seq;
	ev->at_ms = facts->at_ms;
	if (facts->call_id)
		str_ncpy(ev->call_id, facts->call_id, sizeof(ev->call_id));

	memcpy(at, head, (size_t)n);
	ev->frame = at;
	ev->json = at + n;
	*atp = at + n;
	*evp = ev;
	return 0;
}

int gw_event_alloc(struct gw_event **evp, const struct gw_event_facts *facts,
		   const char *json, size_t json_len)
{
	char *at;
	const int err = alloc_event(evp, &at, facts, json_len);

	if (err)
		return err;

	memcpy(at, json, json_len);
	end_frame(*evp, at, json_len);
	return 0;
}

int gw_event_of(struct gw_event **evp, const struct gw_store_event *told)
{
	const struct gw_event_facts facts = {
		.id = told->id,
		.type = told->type,
		.call_id = told->call_id,
		.project = told->project,
		.key = told->key,
		.line = told->line,
		.seq = told->seq,
		.at_ms = told->at_ms,
	};
	const size_t room = told->suffix->end + 64;
	struct mbuf frame = { .size = room };
	struct gw_event *ev;
	char *at;
	int err;

	err = alloc_event(&ev, &at, &facts, room);
	if (err)
		return err;

	/* a buffer that lies in the frame, which it can't outgrow */
	frame.buf = (uint8_t *)at;
	err = gw_store_event_json(&frame, told->id, told->suffix->buf,
				  told->suffix->end);
	if (err) {
		mem_deref(ev);
		return err;
	}

	end_frame(ev, at, frame.end);
	*evp = ev;
	return 0;
}
