/* GET /calls/{id}/recording: the WAV file of a call, read from disk a block at a
 * time while it is sent. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/api.h"
#include "server/api_read.h"
#include "server/call_id.h"
#include "server/http.h"
#include "server/recordings.h"
#include "server/registry.h"
#include "server/store.h"

/* One download. */
struct download {
	struct gw_http_req *req; /* until it is answered */
	struct gw_http_stream *stream;
	struct gw_recordings_reader *reader;
	char id[GW_STORE_ID_SIZE];
};

static void download_destructor(void *arg)
{
	struct download *d = arg;

	mem_deref(d->reader);
}

static int read_block(uint8_t *buf, size_t size, void *arg)
{
	const struct download *d = arg;
	const int n = gw_recordings_read(d->reader, buf, size);

	/* an end before the last byte makes the client notice */
	return n < 0 ? GW_HTTP_STREAM_END : n;
}

static void gone(void *arg)
{
	mem_deref(arg);
}

static void more(void *arg)
{
	const struct download *d = arg;

	gw_http_stream_wake(d->stream);
}

static void not_there(struct gw_http_req *req)
{
	gw_http_problem(req, 404, "not_found",
			"The call has no recording, or it is not on disk yet: "
			"call.recording.saved tells when it is.");
}

static void opened(int err, uint64_t bytes, void *arg)
{
	struct download *d = arg;
	struct gw_http_req *req = d->req;

	if (err == ENOENT) {
		not_there(req);
	} else if (err) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problemf(req, 503, "storage",
				 "The recording could not be read: %s.",
				 strerror(err));
	} else {
		(void)gw_http_headerf(req, "Content-Disposition",
				      "attachment; filename=\"%s.wav\"", d->id);
		err = gw_http_stream_sized(&d->stream, req, "audio/wav", bytes,
					   read_block, gone, d);
	}
	if (err)
		mem_deref(d);
}

static bool is_saved(const struct gw_store_row *row)
{
	struct gw_json_doc *doc = NULL;
	const char *state = NULL;
	bool saved;

	if (gw_json_parse(&doc, (const char *)row->snapshot->buf,
			  row->snapshot->end, 0, NULL))
		return false;
	state = gw_json_string(
		gw_json_find(gw_json_root(doc), "/recording/state"));
	saved = state && !strcmp(state, "saved");
	mem_deref(doc);
	return saved;
}

static void found(struct gw_http_req *req, struct gw_store_row *row)
{
	static const struct gw_recordings_reader_h handlers = {
		.openedh = opened,
		.moreh = more,
	};
	struct download *d;
	int err;

	/* what a process that died had not told of yet is there all the same */
	if (!is_saved(row) && gw_registry_state(row->id, gw_http_key(req))) {
		not_there(req);
		return;
	}
	d = mem_zalloc(sizeof(*d), download_destructor);
	if (d) {
		d->req = req;
		str_ncpy(d->id, row->id, sizeof(d->id));
		err = gw_recordings_reader_alloc(&d->reader, d->id, &handlers,
						 d);
	} else {
		err = ENOMEM;
	}
	if (!err)
		return;
	mem_deref(d);
	(void)gw_http_header(req, "Retry-After", "1");
	gw_http_problemf(req, 503, err == EBUSY ? "capacity" : "memory",
			 "The recording can't be read now: %s.", strerror(err));
}

/* What is on disk decides, so the store is asked even about a living call. */
void gw_api_get_recording(struct gw_http_req *req)
{
	const char *id = gw_http_param(req, "id");

	if (!gw_call_id_valid(id)) {
		gw_api_no_such_call(req);
		return;
	}
	gw_http_later(req);
	gw_api_fetch_call(req, id, found);
}
