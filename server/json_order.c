/* POST /calls, as JSON or as a form: each member has its row in a table and its
 * reader. See json.h. */
#include "server/json_impl.h"

#include <errno.h>
#include <string.h>

#include "sip/address.h"
#include "sip/text.h"

/* Members ------------------------------------------------------------------ */

static void order_line(struct gw_json_reader *r, const struct gw_json *v)
{
	r->order->line = gw_json_sip_text(r, gw_json_read_text(r, v, 64));
}

static void order_ring_timeout(struct gw_json_reader *r,
			       const struct gw_json *v)
{
	gw_json_read_seconds(r, v, &r->order->ring_timeout_s, 1, 300);
}

static void order_time_limit(struct gw_json_reader *r, const struct gw_json *v)
{
	gw_json_read_seconds(r, v, &r->order->time_limit_s, 1, 86400);
}

static void order_setup_deadline(struct gw_json_reader *r,
				 const struct gw_json *v)
{
	gw_json_read_seconds(r, v, &r->order->setup_deadline_s, 1, 600);
}

static void order_dedupe_seconds(struct gw_json_reader *r,
				 const struct gw_json *v)
{
	gw_json_read_seconds(r, v, &r->order->dedupe_s, 0, 86400);
}

static void order_auto_answer(struct gw_json_reader *r, const struct gw_json *v)
{
	gw_json_read_bool(r, v, &r->order->auto_answer);
}

static void order_client_state(struct gw_json_reader *r,
			       const struct gw_json *v)
{
	r->order->client_state = gw_json_read_text(r, v, GW_CLIENT_STATE_MAX);
}

static void order_metadata(struct gw_json_reader *r, const struct gw_json *v)
{
	struct mbuf *mb;

	if (gw_json_type(v) != GW_JSON_OBJECT) {
		GW_WRONG(r, "must be an object");
		return;
	}
	mb = mbuf_alloc(256);
	if (!mb || gw_json_print(mb, v))
		GW_WRONG(r, "could not be read: out of memory");
	else if (mb->end > GW_METADATA_MAX)
		GW_WRONG(r, "is longer than %d bytes as JSON", GW_METADATA_MAX);
	else
		r->order->metadata = v;
	mem_deref(mb);
}

static void caller_name(struct gw_json_reader *r, const struct gw_json *v)
{
	char escaped[4 * GW_DISPLAY_NAME_MAX * 2 + 1];
	const char *text = gw_json_sip_text(r, gw_json_read_text(r, v, 256));

	if (text && gw_display_name_escape(escaped, sizeof(escaped), text))
		GW_WRONG(
			r,
			"must be at most %d characters without control characters",
			GW_DISPLAY_NAME_MAX);
	else
		r->order->caller_name = text;
}

static void caller_id_member(struct gw_json_reader *r, const char *name,
			     const struct gw_json *v)
{
	if (!strcmp(name, "number"))
		r->order->caller_number =
			gw_json_sip_text(r, gw_json_read_text(r, v, 32));
	else if (!strcmp(name, "name"))
		caller_name(r, v);
	else if (!strcmp(name, "privacy")) {
		bool privacy = false;

		gw_json_read_bool(r, v, &privacy);
		r->order->caller_privacy = privacy;
	} else
		GW_WRONG(
			r,
			"is not a member of caller_id (number, name, privacy)");
}

static void order_caller_id(struct gw_json_reader *r, const struct gw_json *v)
{
	gw_json_read_members(r, v, caller_id_member);
}

static void headers_member(struct gw_json_reader *r, const char *name,
			   const struct gw_json *v)
{
	struct gw_order_request *o = r->order;
	const char *value = gw_json_string(v), *why = NULL;

	if (!value)
		GW_WRONG(r, "must be a string");
	else if (!gw_json_sip_text(r, value))
		return;
	else if (o->header_count >= GW_ORDER_HEADERS_MAX)
		GW_WRONG(r, "at most %d headers", GW_ORDER_HEADERS_MAX);
	else if (gw_header_check(name, value, r->header_patterns->list,
				 r->header_patterns->count, &why))
		GW_WRONG(r, "%s", why ? why : "may not be added");
	else
		o->headers[o->header_count++] =
			(struct gw_call_header){ name, value };
}

static void order_headers(struct gw_json_reader *r, const struct gw_json *v)
{
	gw_json_read_members(r, v, headers_member);
}

static void order_callback(struct gw_json_reader *r, const struct gw_json *v)
{
	r->order->status_callback = gw_json_read_text(r, v, 2048);
}

/* Bits of enum gw_webhook_moment, in its order. */
static void order_callback_events(struct gw_json_reader *r,
				  const struct gw_json *v)
{
	static const char *const words[] = { "initiated", "ringing", "answered",
					     "completed", NULL };
	const struct gw_json *element = gw_json_first(v);

	if (gw_json_type(v) != GW_JSON_ARRAY || !element) {
		GW_WRONG(r, "must be a list of initiated, ringing, answered "
			    "and completed");
		return;
	}
	r->order->status_callback_moments = 0;
	for (; element; element = gw_json_next(element)) {
		const int i = gw_json_read_word(r, element, words);

		if (i >= 0)
			r->order->status_callback_moments |= 1u << i;
	}
}

static void order_twilio(struct gw_json_reader *r, const struct gw_json *v)
{
	(void)v;
	GW_WRONG(
		r,
		"Twilio's From is a caller id and is never rung. Here from is a person who is "
		"rung, and the caller id is caller_id.number; names are lower case");
}

/* The body ----------------------------------------------------------------- */

/* Every member of the body. */
static const struct {
	const char *name;
	void (*read)(struct gw_json_reader *r, const struct gw_json *v);
	bool nullable; /* null means: the default */
} order_members[] = {
	/* clang-format off */
	{ "to",                     gw_json_order_to,           false },
	{ "line",                   order_line,                 true  },
	{ "from",                   gw_json_order_from,         true  },
	{ "from_line",              gw_json_order_from_line,    true  },
	{ "first",                  gw_json_order_first,        true  },
	{ "ring_timeout",           order_ring_timeout,         true  },
	{ "time_limit",             order_time_limit,           true  },
	{ "setup_deadline",         order_setup_deadline,       true  },
	{ "caller_id",              order_caller_id,            true  },
	{ "show_to_from",           gw_json_order_show_to_from, true  },
	{ "auto_answer",            order_auto_answer,          true  },
	{ "confirm",                gw_json_order_confirm,      true  },
	{ "announce",               gw_json_order_announce,     true  },
	{ "ringback",               gw_json_order_ringback,     true  },
	{ "join",                   gw_json_order_join,         true  },
	{ "send_digits",            gw_json_order_send_digits,  true  },
	{ "record",                 gw_json_order_record,       true  },
	{ "headers",                order_headers,              true  },
	{ "client_state",           order_client_state,         true  },
	{ "metadata",               order_metadata,             true  },
	{ "dedupe_seconds",         order_dedupe_seconds,       true  },
	{ "status_callback",        order_callback,             true  },
	{ "status_callback_events", order_callback_events,      true  },
	{ "not_before",             gw_json_order_not_before,   true  },
	{ "expires_at",             gw_json_order_expires_at,   true  },
	{ "window",                 gw_json_order_window,       true  },
	{ "retry",                  gw_json_order_retry,        true  },
	{ "From",                   order_twilio,               false },
	/* clang-format on */
};

enum { ORDER_MEMBERS = sizeof(order_members) / sizeof(order_members[0]) };

/* A name that differs by case or by one sign only: what was meant. */
static const char *similar(const char *name)
{
	size_t i;

	for (i = 0; i < ORDER_MEMBERS; i++) {
		const char *a = name, *b = order_members[i].name;

		if (!str_casecmp(a, b))
			return b;
		while (*a && *a == *b)
			a++, b++;
		if (!strcmp(a, b + (*b != 0)) || (*a && !strcmp(a + 1, b)) ||
		    (*a && *b && !strcmp(a + 1, b + 1)) ||
		    (*a && *b && a[0] == b[1] && a[1] == b[0] &&
		     !strcmp(a + 2, b + 2)))
			return order_members[i].name;
	}
	return NULL;
}

/* A form has no objects: caller_id.number stands for a member of one. */
static bool order_form_member(struct gw_json_reader *r, const char *name,
			      const struct gw_json *v)
{
	static const struct {
		const char *object;
		void (*read)(struct gw_json_reader *r, const char *name,
			     const struct gw_json *v);
	} objects[] = { { "caller_id.", caller_id_member },
			{ "announce.", gw_json_announce_member },
			{ "confirm.", gw_json_confirm_member },
			{ "headers.", headers_member },
			{ "window.", gw_json_window_member } };
	size_t i;

	for (i = 0; r->from_form && i < ARRAY_SIZE(objects); i++) {
		const size_t len = strlen(objects[i].object);

		if (strncmp(name, objects[i].object, len) != 0)
			continue;
		/* an empty field of a form is a field not filled in */
		if (gw_json_string(v) && *gw_json_string(v))
			objects[i].read(r, name + len, v);
		return true;
	}
	return false;
}

static void order_member(struct gw_json_reader *r, const char *name,
			 const struct gw_json *v)
{
	const char *meant;
	size_t i;

	if (order_form_member(r, name, v))
		return;
	for (i = 0; i < ORDER_MEMBERS; i++) {
		if (strcmp(order_members[i].name, name))
			continue;
		/* an empty field of a form is a field not filled in */
		if (r->from_form && strcmp(name, "to") && gw_json_string(v) &&
		    !*gw_json_string(v))
			return;
		if (order_members[i].nullable &&
		    gw_json_type(v) == GW_JSON_NULL)
			return;
		order_members[i].read(r, v);
		return;
	}
	meant = similar(name);
	if (meant)
		GW_WRONG(r, "is not a member of a call; did you mean \"%s\"?",
			 meant);
	else
		GW_WRONG(r, "is not a member of a call");
}

int gw_json_read_order(struct gw_order_request *order,
		       const struct gw_json *body, bool from_form,
		       const struct gw_config_strings *header_patterns,
		       struct gw_faults *faults)
{
	struct gw_json_reader r = {
		.order = order,
		.faults = faults,
		.header_patterns = header_patterns,
		.from_form = from_form,
	};
	const size_t before = faults->count;

	*order = (struct gw_order_request){
		.to = order->to,
		.ring_timeout_s = 30,
		.time_limit_s = 3600,
		.setup_deadline_s = 90,
		.caller_privacy = -1,
		.status_callback_moments = 8, /* completed */
		.first = GW_ROLE_FROM,
		.confirm_leg = GW_ROLE_ANY,
		.announce_leg = GW_ROLE_ANY,
		.confirm_digit = '1',
		.confirm_timeout_s = 10,
	};
	gw_json_read_members(&r, body, order_member);
	gw_json_settle_legs(&r);
	gw_json_settle_when(&r);
	if (gw_json_type(body) == GW_JSON_OBJECT && !order->to &&
	    !gw_json_get(body, "to"))
		gw_fault(faults, "/to", "is missing: whom to call");
	return faults->count > before ? EINVAL : 0;
}
